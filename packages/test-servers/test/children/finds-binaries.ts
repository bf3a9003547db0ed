// Looks for the servers' binaries in the environment it is given, and prints the sentence it got instead.
import { serverBinaries } from "@kv/test-servers";

const [kind] = process.argv.slice(2);
try {
  process.stdout.write(JSON.stringify(await serverBinaries(kind === "valkey" ? "valkey" : "redis")));
} catch (error) {
  process.stdout.write(String(error));
}
