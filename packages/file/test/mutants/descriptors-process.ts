import { sleep } from "@kv/core/driver";
import { fileStore } from "@kv/file";
import { Call, Deadline } from "../../src/calls/call.ts";
import { CallQueue } from "../../src/calls/call-queue.ts";

// Reads 500 entries at the same time, and says how many reads failed.

const [directory = "", design = ""] = process.argv.slice(2);
if (design === "unbounded") {
  CallQueue.prototype.runOnKey = (_file, _access, work) => work(new Call(new Deadline(60_000), { sleep }));
}

const store = fileStore({ directory, durability: "none", disk: "network" });
const keys = Array.from({ length: 500 }, (_, at) => `key ${at}`);
for (const key of keys) await store.set(key, key);
const reads = await Promise.allSettled(keys.map(async (key) => store.get(key)));
process.stdout.write(`${reads.filter(({ status }) => status === "rejected").length}`);
