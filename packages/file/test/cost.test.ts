import type { FileStoreOptions } from "@kv/file";
import { expect, onTestFinished, test } from "vitest";
import { promisesMade } from "../../core/test/counted.ts";
import { fileStoreIn } from "../src/file-store.ts";
import { faultyDisk } from "./injected-faults.ts";
import { newDirectory } from "./temporary.ts";

// What a call costs, counted in what does not vary with the machine.

const reading = ["open", "read", "close"];
/** The lock is taken, the file put in its place, the lock let go of. */
const lockedChange = ["link", "rename", "rename", "unlink"];
const staging = ["open", "write", "close"];

test("a value is read by three calls of the system, a miss costs one", async () => {
  const { store, asked } = await counted();
  await store.set("k", "v");
  expect(await asked(() => store.get("k"))).toEqual(reading);
  expect(await asked(() => store.exists("k"))).toEqual(reading);
  expect(await asked(() => store.get("missing"))).toEqual(["open"]);
});

test("a value is written by seven, none of which waits for the disk unless that is asked for", async () => {
  const { store, asked } = await counted();
  await store.set("k", "v");
  expect((await asked(() => store.set("k", "w"))).toSorted()).toEqual(
    [...staging, ...lockedChange].toSorted(),
  );

  const durable = await counted("full");
  await durable.store.set("k", "v");
  const asks = await durable.asked(() => durable.store.set("k", "w"));
  expect(asks.filter((name) => name === "sync")).toHaveLength(2); // the file and its directory
});

test("what is answered at once costs one promise", async () => {
  const { store } = await counted();
  await store.set("k", "v");
  for (const call of [() => store.get("k"), () => store.get("missing"), () => store.set("k", "w")]) {
    await new Promise((resolve) => setImmediate(resolve)); // a turn of the event loop for itself
    expect(await promisesMade(call)).toBe(1);
  }
});

async function counted(durability: FileStoreOptions["durability"] = "none"): Promise<{
  store: ReturnType<typeof fileStoreIn>;
  asked(call: () => Promise<unknown>): Promise<string[]>;
}> {
  const names: string[] = [];
  const disk = faultyDisk(({ name }) => {
    names.push(name);
    return undefined;
  });
  const directory = newDirectory();
  const store = fileStoreIn({ directory: directory.path, durability }, { disk });
  onTestFinished(async () => {
    await store.close();
    directory.remove();
  });
  return {
    store,
    async asked(call) {
      names.length = 0;
      await call();
      return [...names];
    },
  };
}
