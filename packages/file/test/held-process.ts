import { parentPort } from "node:worker_threads";
import { fileStoreIn } from "../src/store/file-store.ts";
import { HeldDisk, isCommit } from "./held-disk.ts";

// Increments a key and stops in the middle, with its lock in its hand, until it is told to go on. A process or a thread.

type Message = "held" | "go on" | { readonly done: string };

const [directory = ""] = process.argv.slice(2);
const disk = new HeldDisk(isCommit);
const store = fileStoreIn({ directory, durability: "none", timeout: "10m" }, { disk }); // however long it is held

function say(message: Message): void {
  if (parentPort === null) process.send?.(message);
  else parentPort.postMessage(message, []);
}

(parentPort ?? process).on("message", (message: Message) => {
  if (message === "go on") disk.release();
});
disk.arm();
const counted = store.increment("key");
await disk.held;
say("held");
try {
  say({ done: String((await counted).value) });
} catch (error) {
  say({ done: String(error) });
}
await store.close();
if (parentPort === null) process.disconnect();
else parentPort.close();
