import { type FileStoreOptions, fileStore } from "@kv/file";

// Makes calls under limits that this process was started with, and says how each of them ended.

const [options = "", what = ""] = process.argv.slice(2);
const store = fileStore(JSON.parse(options) as FileStoreOptions);

const calls: Readonly<Record<string, () => Promise<unknown>[]>> = {
  reads: () => Array.from({ length: 500 }, async (_, at) => store.get(`key ${at % 50}`)),
  "reads and changes": () =>
    Array.from({ length: 500 }, async (_, at) =>
      at % 2 === 0 ? store.get(`key ${at % 50}`) : store.set(`new ${at}`, "x".repeat(at * 300)),
    ),
  "get and set": () => [store.get("key 1"), store.set("key 2", "new"), store.delete("key 3")],
  "each operation": () => [
    store.get("key 1"),
    store.set("key 2", "new"),
    store.delete("key 3"),
    store.increment("count"),
    store.deleteAll(),
    store.deleteExpired(),
    store.keys()[Symbol.asyncIterator]().next(),
  ],
};

const outcomes = await Promise.allSettled(calls[what]?.() ?? []);
const told = outcomes.map((outcome) =>
  outcome.status === "fulfilled" ? "done" : `${(outcome.reason as { code: string }).code} ${outcome.reason}`,
);
process.stdout.write(JSON.stringify(told));
