import { isStoreError } from "@kv/core";
import { fileStore } from "@kv/file";

// Does everything that can be done with an entry, as the user that it was started as, and says how it went.

const [directory = ""] = process.argv.slice(2);
const store = fileStore({ directory, timeout: "20s" });
const outcomes: [operation: string, outcome: string, message: string][] = [];

async function tried(operation: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
    outcomes.push([operation, "done", ""]);
  } catch (error) {
    outcomes.push([operation, isStoreError(error) ? error.code : "no StoreError", String(error)]);
  }
}

await tried("get", () => store.get("key"));
await tried("keys", async () => {
  for await (const _ of store.keys());
});
await tried("set", () => store.set("key", "2", { expiresIn: "1h" }));
await tried("increment", () => store.increment("key"));
await tried("setIfAbsent", () => store.setIfAbsent("new", "2"));
await tried("delete", () => store.delete("key"));
await tried("touch", () => store.touch("renewed", "2h"));
await tried("deleteAll", () => store.deleteAll());
await tried("close", () => store.close());
process.stdout.write(JSON.stringify(outcomes));
