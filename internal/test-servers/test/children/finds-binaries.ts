// Starts a server in the environment it is given, and prints which one it found or the sentence it got instead.
import { serverBinaries, startStandalone } from "@kv/test-servers";

const kind = process.argv[2] === "valkey" ? "valkey" : "redis";
const release = process.argv[3] === "newest" ? { release: "newest" as const } : {};
try {
  await using server = await startStandalone({ kind, ...release });
  await server.command("PING");
  process.stdout.write(JSON.stringify(await serverBinaries(kind, release.release)));
} catch (error) {
  process.stdout.write(String(error));
}
