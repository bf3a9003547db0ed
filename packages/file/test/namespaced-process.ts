import { fileStoreIn } from "../src/store/file-store.ts";

// Increments a key, impatient with owners that cannot be judged, and prints what came of it.

const [directory = ""] = process.argv.slice(2);
const store = fileStoreIn({ directory, durability: "none", timeout: "1m" }, { heartbeatTimeoutMs: 300 });
try {
  process.stdout.write(String((await store.increment("key")).value));
} catch (error) {
  process.stdout.write(String(error));
}
await store.close();
