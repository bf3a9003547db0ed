// Holds the own code of each published package, all its entries, minified and gzipped and without what it depends on, to
// its budget in size-budgets.json: at most 5 % more.
//
//   node scripts/size-budgets.mjs [--write]   makes what was measured the budget, rounded up to 100 bytes
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const tolerance = 0.05;
const packages = new URL("../packages/", import.meta.url);
const budgetFile = new URL("size-budgets.json", import.meta.url);
const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const measured = {};
for (const folder of readdirSync(packages)) {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
  if (manifest.private !== true) measured[manifest.name] = await ownBytes(folder, manifest);
}

if (process.argv.includes("--write")) {
  const budgets = Object.entries(measured).map(([name, bytes]) => [name, Math.ceil(bytes / 100) * 100]);
  writeFileSync(budgetFile, `${JSON.stringify(Object.fromEntries(budgets), undefined, 2)}\n`);
} else {
  const budgets = JSON.parse(readFileSync(budgetFile, "utf8"));
  const wrong = Object.keys({ ...measured, ...budgets }).flatMap(
    (name) => complaint(name, budgets[name]) ?? [],
  );
  if (wrong.length > 0) {
    process.stderr.write(
      `${wrong.join("\n")}\nMake it smaller, or, where that is worth its bytes, run \`npx -y ${packageManager} run budgets\`, commit ` +
        "scripts/size-budgets.json and say in the pull request what they buy.\n",
    );
    process.exitCode = 1;
  }
}

function complaint(name, budget) {
  const bytes = measured[name];
  if (bytes === undefined) return `${name} has a budget and is not published.`;
  if (budget === undefined) return `${name} has no budget, and ${bytes} bytes.`;
  if (bytes <= budget * (1 + tolerance)) return undefined;
  const percent = ((bytes / budget - 1) * 100).toFixed(1);
  return `${name} has ${bytes} bytes, ${percent} % over its budget of ${budget}.`;
}

/** What all entries of a package share counts once. */
async function ownBytes(folder, { exports }) {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL(`${folder}/`, packages)),
    entryPoints: Object.values(exports).flatMap((conditions) => conditions["@kv/source"] ?? []),
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    outdir: "dist",
    write: false,
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}
