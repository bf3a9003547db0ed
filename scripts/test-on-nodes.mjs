// Runs every test on each of the Nodes that are supported, one after the other.
import { spawnSync } from "node:child_process";

const versions = process.argv.length > 2 ? process.argv.slice(2) : ["20", "22", "24", "26"];
const vitest = new URL("../node_modules/vitest/vitest.mjs", import.meta.url).pathname;

const failed = versions.filter((version) => {
  process.stdout.write(`\nNode ${version}\n`);
  const { status } = spawnSync("npx", ["-y", "-p", `node@${version}`, "--", "node", vitest, "run"], {
    stdio: "inherit",
  });
  return status !== 0;
});
if (failed.length > 0) {
  process.stdout.write(`\nFailed on Node ${failed.join(", ")}.\n`);
  process.exitCode = 1;
}
