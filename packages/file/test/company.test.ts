import { readdirSync, rmSync } from "node:fs";
import { fileStore } from "@kv/file";
import { afterAll, expect, test } from "vitest";
import { HeldDisk, type Holds } from "./held-disk.ts";
import { errno, faultyDisk } from "./injected-faults.ts";
import { companyIn, fileOf, outcomeOf, storeIn } from "./places.ts";
import { newDirectory, newParent } from "./temporary.ts";

// What it means for an owner that others come and go. What they must not do to it is in interleavings.test.ts.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

test("S7 a change is stopped once, however often others come and go while it is made", async () => {
  const { options, isChange } = placed();
  const disk = new HeldDisk(isChange);
  const store = storeIn(options, { disk });
  await store.set("other", "1");
  disk.arm();
  const change = store.set("key", "1").then(() => "done");
  let visits = 0;
  while ((await Promise.race([disk.held, change])) !== "done") {
    visits += 1; // its file is written, and about to become the entry
    expect(visits).toBeLessThan(10);
    await comeAndGo(options.directory);
    disk.holdNext(isChange);
  }
  expect(visits).toBeGreaterThan(1);
});

test("S7 an owner that was stopped leaves nothing behind", async () => {
  const { options, isChange } = placed();
  const disk = new HeldDisk(isChange);
  const store = storeIn(options, { disk });
  await store.set("other", "1");
  disk.arm();
  const changes = [store.set("key", "1"), store.increment("count"), store.delete("other")];
  await disk.held;
  await comeAndGo(options.directory);
  disk.release();
  await Promise.all(changes);
  expect(readdirSync(`${options.directory}/trash`)).toEqual([]);
  expect(readdirSync(`${options.directory}/data/p`)).toEqual([expect.stringMatching(/\d$/)]);
  await store.close();
  for (const name of ["trash", "data/p", "owners", "locks"]) {
    expect(readdirSync(`${options.directory}/${name}`), name).toEqual([]);
  }
});

test("S7 an owner whose company has left is alone again, also while changes are under way", async () => {
  const { options, isChange } = placed();
  const disk = new HeldDisk(isChange);
  const store = storeIn(options, { disk });
  await store.set("other", "1");
  await comeAndGo(options.directory);
  await store.set("other", "2"); // it is stopped, and goes on in company
  disk.arm();
  const change = store.set("key", "1");
  await disk.held;
  const own = (): string[] =>
    readdirSync(`${options.directory}/data/p`).toSorted((one, another) => one.length - another.length);
  await expect
    .poll(
      async () => {
        await store.set("other", "3");
        return own();
      },
      { timeout: 30_000 },
    )
    .toEqual([expect.stringMatching(/\d$/), expect.stringMatching(/\.alone$/)]);
  disk.release();
  await change;
});

test("S7 an owner that has only swept is no company", async () => {
  const { options } = placed();
  const store = storeIn(options);
  const sweeper = storeIn(options);
  await store.set("other", "1");
  await store.set("key", "1", { expiresIn: { milliseconds: 1 } });
  await expect.poll(() => store.exists("key")).toBe(false);
  expect(await sweeper.deleteExpired()).toBe(1);
  expect(readdirSync(`${options.directory}/data/p`)).toEqual([]);
});

test("S7 a change that is stopped as often as it is made is given up in time, and says where", async () => {
  const { options } = placed();
  const company = await companyIn(options.directory);
  const disk = faultyDisk((call) => (call.name === "link" ? errno("ENOENT", call) : undefined), "network");
  const store = storeIn({ ...options, timeout: "50ms" }, { disk }); // as if somebody had removed the directory of locks
  const outcome = await outcomeOf(() => store.set("key", "1"));
  expect(outcome).toMatchObject({ code: "KV_FAILED", message: expect.stringMatching(/ENOENT, link/) });
  await company.close();
});

async function comeAndGo(directory: string): Promise<void> {
  const visitor = fileStore({ directory, durability: "none" });
  await visitor.set("visits", "1");
  await visitor.close();
}

function placed(): { options: { directory: string; durability: "none" }; isChange: Holds } {
  const { path: directory } = newDirectory(parent);
  const entry = fileOf(directory, "key");
  return {
    options: { directory, durability: "none" },
    isChange: ({ name, args }) => name === "rename" && args[1] === entry,
  };
}
