import { StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";

const stores = new StoreRegistry({ root: memoryStore() });
await stores.get("sessions").set("hello", "world", { expiresIn: "1m" });
process.stdout.write(`${await stores.get("sessions").expiresIn("hello")} seconds left\n`);
await stores.close();
