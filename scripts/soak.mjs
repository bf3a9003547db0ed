// Runs the tests with all that takes long. Random runs begin at one seed, which the first line names.
//
//   node scripts/soak.mjs [VITEST OPTIONS]   KV_TESTKIT_SEED=... for the random runs of an earlier soak
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
// A workflow that was not given a seed passes on an empty text.
const seed = process.env.KV_TESTKIT_SEED || String(Math.floor(Math.random() * 2 ** 31));

process.stdout.write(
  `The soak's random runs begin at KV_TESTKIT_SEED=${seed}: with that, they are the same again.\n`,
);
const { status } = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, KV_SOAK: "1", KV_TESTKIT_SEED: seed },
});
process.exitCode = status ?? 1;
