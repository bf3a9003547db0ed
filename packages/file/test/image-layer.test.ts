import { once } from "node:events";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundled } from "./bundled.ts";
import { heldProcess } from "./held-child.ts";
import { may, mountOverlay } from "./mounted.ts";
import { listed, storeIn, usedStoreIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// A store that came with the image of a container: all that is there lies in a layer that is read-only, and what is
// changed lies in another. There a directory of the lower layer cannot be renamed (EXDEV), and a file gets another
// inode with its first change.

const parent = newParent();
let program = "";
beforeAll(async () => {
  program = await bundled("held-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const unproven = may.mountOverlay ? "" : " (unproven here: it takes root to mount an overlay)";

/** Gives a directory with a store in `store`, as it was when the image was made. */
const images: Readonly<Record<string, () => Promise<string>>> = {
  async closed() {
    const lower = newLower();
    await filled(join(lower, "store"));
    return lower;
  },
  async "not closed: a process was killed while it changed something"() {
    const lower = newLower();
    const directory = join(lower, "store");
    await filled(directory);
    const neighbour = await usedStoreIn(directory);
    const { child } = await heldProcess(program, directory);
    child.kill("SIGKILL");
    await once(child, "exit");
    await neighbour.close();
    return lower;
  },
};

const operations: Readonly<
  Record<string, { call: (store: FullStore) => Promise<unknown>; answer: unknown }>
> = {
  get: { call: async (store) => textOf(await store.get("key")), answer: "41" },
  set: { call: (store) => store.set("key", "1"), answer: undefined },
  increment: { call: async (store) => (await store.increment("key")).value, answer: 42 },
  touch: { call: (store) => store.touch("key", "2h"), answer: true },
  delete: { call: (store) => store.delete("key"), answer: true },
  take: { call: async (store) => textOf(await store.take("key")), answer: "41" },
  "deleteAll of a namespace": {
    call: (store) => store.withNamespace("child").deleteAll(),
    answer: undefined,
  },
  deleteAll: { call: (store) => store.deleteAll(), answer: undefined },
  deleteExpired: { call: (store) => store.deleteExpired(), answer: 1 },
};

/** What is there after an operation: `key`, `other`, and the key of the child. */
const left: Readonly<Record<string, readonly (string | undefined)[]>> = {
  set: ["1", "1", "1"],
  increment: ["42", "1", "1"],
  delete: [undefined, "1", "1"],
  take: [undefined, "1", "1"],
  "deleteAll of a namespace": ["41", "1", undefined],
  deleteAll: [undefined, undefined, undefined],
};

describe.skipIf(!may.mountOverlay).each(Object.keys(images))(
  `S7 a store in the layer of an image, %s${unproven}`,
  (image) => {
    test.each(Object.entries(operations))("%s", async (name, { call, answer }) => {
      const directory = join(mountOverlay(parent, (await images[image]?.()) ?? ""), "store");
      const store = unforgiving(directory);
      expect(await call(store)).toEqual(answer);
      const other = unforgiving(directory);
      for (const each of [store, other]) expect(await stateOf(each)).toEqual(left[name] ?? ["41", "1", "1"]);
    });

    test("all of them, one after the other, by two stores", async () => {
      const directory = join(mountOverlay(parent, (await images[image]?.()) ?? ""), "store");
      const [one, two] = [unforgiving(directory), unforgiving(directory)];
      expect((await one.increment("key")).value).toBe(42);
      expect((await two.increment("key")).value).toBe(43);
      expect(await one.deleteExpired()).toBe(1);
      await two.withNamespace("child").deleteAll();
      expect(await listed(one.namespaces())).toEqual([]);
      expect((await one.withNamespace("child").increment("key")).value).toBe(1);
      expect((await two.withNamespace("child").increment("key")).value).toBe(2);
      await one.deleteAll();
      expect(await listed(two.keys())).toEqual([]);
      expect((await two.increment("key")).value).toBe(1);
      expect((await one.increment("key")).value).toBe(2);
      await two.deleteAll();
      expect(await listed(one.keys())).toEqual([]);
    });
  },
);

test.skipIf(!may.mountOverlay)(
  `S7 a store in the layer of an image that was made elsewhere, by a process that was killed${unproven}`,
  async () => {
    const lower = await images["not closed: a process was killed while it changed something"]?.();
    const directory = join(mountOverlay(parent, lower ?? ""), "store");
    const store = storeIn(
      { directory, timeout: "20s" },
      { livenessOf: () => "unknown", heartbeatTimeoutMs: 1 },
    );
    expect((await store.increment("key")).value).toBe(42);
    expect((await store.increment("other")).value).toBe(2);
  },
);

/** A store that no silence makes take a lock for free. */
function unforgiving(directory: string): FullStore {
  return storeIn({ directory, timeout: "20s" }, { heartbeatTimeoutMs: Number.POSITIVE_INFINITY });
}

function newLower(): string {
  const lower = newDirectory(parent).path;
  mkdirSync(lower);
  chmodSync(lower, 0o700);
  return lower;
}

async function filled(directory: string): Promise<void> {
  const store = fileStore({ directory });
  await store.set("key", "41", { expiresIn: "1h" });
  await store.set("other", "1");
  await store.withNamespace("child").set("key", "1");
  await store.set("expired", "1", { expiresIn: { milliseconds: 1 } });
  while (await store.exists("expired"));
  await store.close();
}

async function stateOf(store: FullStore): Promise<(string | undefined)[]> {
  return [
    textOf(await store.get("key")),
    textOf(await store.get("other")),
    textOf(await store.withNamespace("child").get("key")),
  ];
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
