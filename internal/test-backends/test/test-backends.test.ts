import { describe, expect, test } from "vitest";
import { openElsewhere, sharedBackends, startWorker, testBackends } from "../src/index.ts";

describe.each(testBackends)("$name", ({ open }) => {
  test("opens empty, fails when told, heals, and keeps its data", async () => {
    await using backend = await open();
    const { store } = backend;
    const child = store.withNamespace("child");
    for await (const key of store.keys()) throw new Error(`${key} is there already`);
    await store.set("k", "v");
    await backend.fail();
    await expect(store.get("k")).rejects.toMatchObject({ code: expect.stringMatching(/^KV_/) });
    await expect(child.set("k", "v")).rejects.toMatchObject({ code: expect.stringMatching(/^KV_/) });
    await expect(store.keys()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: expect.stringMatching(/^KV_/),
    });
    await backend.heal();
    expect(await child.exists("k")).toBe(false);
    expect(await store.exists("k")).toBe(true);
  });
});

describe.each(sharedBackends)("$name", ({ open }) => {
  test("another process finds the same data, and sees no outage", async () => {
    await using backend = await open();
    await backend.store.set("k", "v");
    await using worker = await startWorker(new URL("reader.ts", import.meta.url), backend.place);
    expect(worker.ready).toBe("v");
    await using elsewhere = openElsewhere(backend.place);
    await backend.fail();
    expect(await elsewhere.exists("k")).toBe(true);
  });
});
