// Starts a server, says where, and then ends in the way its second argument names, without stopping it.
import { startStandalone } from "@kv/test-servers";
import { guardian } from "../../src/servers/guardian.ts";

const [kind, ending] = process.argv.slice(2);
const server = await startStandalone({ kind: kind === "valkey" ? "valkey" : "redis" });
if (ending === "pause, then wait") await server.pause();
process.stdout.write(`${server.pid} ${guardian().pid} ${server.folder}\n`, () => {
  if (ending === "throw") throw new Error("As told");
  if (ending === "exit") process.exit(0);
  if (ending !== "run out") setInterval(() => {}, 1000);
});
