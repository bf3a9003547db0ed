import type { FileStoreOptions } from "@kv/file";
import { expect, onTestFinished, test } from "vitest";
import { promisesMade } from "../../core/test/counted.ts";
import { fileStoreIn } from "../src/file-store.ts";
import { faultyDisk } from "./injected-faults.ts";
import { companyIn } from "./places.ts";
import { newDirectory } from "./temporary.ts";

// What a call costs, counted in what does not vary with the machine.

const reading = ["open", "read", "close"];
const staging = ["open", "write", "close"];
const takingTheLock = ["link"];
const lettingItGo = ["rename", "unlink"];

test("a value is read by three calls of the system, a miss costs one", async () => {
  const { store, asked } = await counted();
  await store.set("k", "v");
  expect(await asked(() => store.get("k"))).toEqual(reading);
  expect(await asked(() => store.exists("k"))).toEqual(reading);
  expect(await asked(() => store.get("missing"))).toEqual(["open"]);
  expect(await asked(() => store.get("missing too"))).toEqual(["statAt"]); // quicker than an open that fails
  expect(await asked(() => store.get("k"))).toEqual(["statAt", ...reading]);
  expect(await asked(() => store.get("k"))).toEqual(reading);
});

test("a large value is opened twice: to see that it is large, and to read it piece by piece", async () => {
  const { store, asked } = await counted();
  await store.set("large", new Uint8Array(200_000));
  const asks = await asked(() => store.get("large"));
  expect(asks.filter((name) => name === "open")).toHaveLength(2);
});

test("a value is written by four, as by hand, none of which waits for the disk unless that is asked for", async () => {
  const { store, asked } = await counted();
  await store.set("k", "v");
  expect(await asked(() => store.set("k", "w"))).toEqual([...staging, "rename"]);
  while ((await asked(() => store.increment("count"))).includes("makeDirectory")); // its folder, the first time
  expect(await asked(() => store.increment("count"))).toEqual([...reading, ...staging, "rename"]);

  const durable = await counted("full");
  await durable.store.set("k", "v");
  const asks = await durable.asked(() => durable.store.set("k", "w"));
  expect(asks.filter((name) => name === "sync")).toHaveLength(2); // the file and its directory
});

test("in company a value is written by seven: there is a lock to be taken", async () => {
  const { store, asked, directory } = await counted();
  const company = await companyIn(directory);
  await store.set("k", "v");
  expect(await asked(() => store.set("k", "w"))).toEqual([
    ...staging,
    ...takingTheLock,
    "rename",
    ...lettingItGo,
  ]);
  await company.close();
});

test("an owner whose company has left is alone again, and one that others keep coming to is not", async () => {
  const { store, asked, directory } = await counted();
  const company = await companyIn(directory);
  await store.set("k", "v");
  await company.close();
  const calls = async (): Promise<number> => (await asked(() => store.set("k", "w"))).length;
  await expect.poll(calls, { timeout: 30_000 }).toBe(4);
  const next = await companyIn(directory);
  await store.set("k", "v"); // it is stopped, and begins again
  expect(await calls()).toBe(7);
  await next.close();
});

test("however many calls come into a namespace at once, alone or stopped by others, one directory is made there", async () => {
  const { store, directory, made } = await counted("none", "network");
  const keys = Array.from({ length: 100 }, (_, at) => `${at}`);
  await Promise.all(keys.map((key) => store.set(key, "v")));
  expect(made()).toEqual([expect.stringMatching(/\.alone$/)]);
  const company = await companyIn(directory);
  await Promise.all(keys.map((key) => store.set(key, "w")));
  const inCompany = made().filter((path) => !path.endsWith(".alone")); // it may look whether it is alone again
  expect(inCompany).toHaveLength(1);
  await company.close();
});

test("what is answered at once costs one promise", async () => {
  const { store } = await counted();
  await store.set("k", "v");
  for (const call of [() => store.get("k"), () => store.get("missing"), () => store.set("k", "w")]) {
    await new Promise((resolve) => setImmediate(resolve)); // a turn of the event loop for itself
    expect(await promisesMade(call)).toBe(1);
  }
});

async function counted(
  durability: FileStoreOptions["durability"] = "none",
  kind: FileStoreOptions["disk"] = "local",
): Promise<{
  store: ReturnType<typeof fileStoreIn>;
  asked(call: () => Promise<unknown>): Promise<string[]>;
  /** The directories that the store has made for itself in its root namespace since this was last asked. */
  made(): string[];
  directory: string;
}> {
  const names: string[] = [];
  const made = new Set<string>();
  const disk = faultyDisk(({ name, args: [path] }) => {
    names.push(name);
    if (name === "makeDirectory" && String(path).startsWith(`${directory.path}/data/p/`))
      made.add(String(path));
    return undefined;
  }, kind);
  const directory = newDirectory();
  const store = fileStoreIn({ directory: directory.path, durability }, { disk });
  onTestFinished(async () => {
    await store.close();
    directory.remove();
  });
  return {
    store,
    directory: directory.path,
    made() {
      const paths = Array.from(made);
      made.clear();
      return paths;
    },
    async asked(call) {
      names.length = 0;
      await call();
      return names.filter((name) => name !== "list"); // now and then one in company looks whether it still is
    },
  };
}
