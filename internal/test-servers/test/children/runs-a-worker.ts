// Runs a worker that leaves a server, as a test runner does: with a channel between them.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const [kind = ""] = process.argv.slice(2);
fork(fileURLToPath(new URL("leaves-a-server.ts", import.meta.url)), [kind, "wait"]);
