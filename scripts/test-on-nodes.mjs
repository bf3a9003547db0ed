// Runs every test on each of the Nodes that are supported, one after the other.
import { execFileSync, spawnSync } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";

const versions = process.argv.length > 2 ? process.argv.slice(2) : ["20", "22", "24", "26"];
const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));

const failed = versions.filter((version) => {
  const node = execFileSync("npx", ["-y", "-p", `node@${version}`, "--", "node", "-p", "process.execPath"], {
    encoding: "utf8",
  }).trim();
  process.stdout.write(`\nNode ${version}: ${execFileSync(node, ["--version"], { encoding: "utf8" })}`);
  // Child processes of the tests run on it too.
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH}`;
  return spawnSync(node, [vitest, "run"], { stdio: "inherit", env: { ...process.env, PATH } }).status !== 0;
});
if (failed.length > 0) {
  process.stdout.write(`\nFailed on Node ${failed.join(", ")}.\n`);
  process.exitCode = 1;
}
