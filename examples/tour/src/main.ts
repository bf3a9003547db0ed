import { StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { tour } from "./tour.ts";

// One line decides where everything is kept; the tour itself never knows.
await using stores = new StoreRegistry({ root: memoryStore() });
await tour(stores, (line) => process.stdout.write(`${line}\n`));
