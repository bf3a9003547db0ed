import { writeSync } from "node:fs";
import { type FileStoreOptions, fileStore } from "@kv/file";

// Does one thing without a pause until it is killed, and says each time that it was done, or how it failed.

const [options = "", what = ""] = process.argv.slice(2);
const store = fileStore(JSON.parse(options) as FileStoreOptions);
const raced = store.withNamespace("raced");

const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  touch: () => raced.touch("key", "2h"),
  "get with renewFor": () => raced.get("key", { renewFor: "2h" }),
  deleteExpired: () => store.deleteExpired(),
  deleteAll: () => raced.deleteAll(),
  "deleteAll of all": () => store.deleteAll(),
};

for (;;) {
  try {
    await calls[what]?.();
    writeSync(1, ".");
  } catch (error) {
    writeSync(1, `\n${what} failed: ${String(error)}\n`);
  }
}
