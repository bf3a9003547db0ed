// Holds every library against the contract, in memory and on a real Redis, and writes what came of it into reports/.
// Each in a process of its own, one after another: what one leaves behind troubles no other.
//
//   pnpm --filter ./comparison run reports [HARNESS ...]   such as keyv-memory; all of them without a name
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(import.meta.url);
const folder = new URL("../reports/", import.meta.url);
const [only, ...others] = process.argv.slice(2);

if (process.send !== undefined) await writeOne(only, others[0]);
else {
  const { findCommit } = await import("@kv/testkit");
  const commit = await findCommit(fileURLToPath(new URL("..", import.meta.url))); // before anything is written
  for (const name of only === undefined ? allNames() : [only, ...others]) await inProcess(name, commit);
  writeIndex();
}

function allNames() {
  return readdirSync(new URL("../src/harnesses", import.meta.url))
    .filter((file) => /-(?:memory|redis)\.ts$/.test(file) && !file.startsWith("on-"))
    .map((file) => file.replace(".ts", ""));
}

async function inProcess(name, commit) {
  const [code] = await once(fork(here, commit === undefined ? [name] : [name, commit]), "exit");
  if (code !== 0) process.exitCode = 1;
}

async function writeOne(name, commit) {
  const { prove, reportMarkdown } = await import("@kv/testkit");
  const { default: harness, about } = await import(`../src/harnesses/${name}.ts`);
  const report = await prove(harness, {
    about,
    seed: 1,
    runs: 50,
    commit,
    repeat: `npx -y pnpm@12.21.0 --filter ./comparison run reports ${name}`,
  });
  mkdirSync(folder, { recursive: true });
  // A line for each: somebody else's library needs no indented megabytes, and no badge.
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(report)}\n`);
  writeFileSync(new URL(`${name}.md`, folder), reportMarkdown(report));
  const { broken, proved, provedInPart } = report.totals;
  process.stdout.write(
    `${harness.name}: ${broken} rules broken, ${proved} proved, ${provedInPart} in part\n`,
  );
  const wordless = report.rules.filter(
    ({ verdict, promise }) => verdict === "broken" && promise === undefined,
  );
  for (const { rule } of wordless) process.stdout.write(`  ${rule} has no word of its library beside it\n`);
  // Clients that go on connecting, and calls that no client ends, would keep the process.
  process.exit(0);
}

function writeIndex() {
  const rows = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => {
      const report = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
      const rulesWith = (...verdicts) =>
        report.rules.filter(({ verdict }) => verdicts.includes(verdict)).map(({ rule }) => rule);
      const link = `[${report.name}](${file.replace(".json", ".md")})`;
      const [kept, broken] = [rulesWith("proved", "proved in part"), rulesWith("broken")];
      return `| ${link} | ${report.about.version} | ${report.date.slice(0, 10)} | ${broken.join(", ")} | ${kept.join(", ")} |`;
    });
  const text = [
    "# Reports on other libraries",
    "Made by `scripts/write-reports.mjs`; [how, and how they are fair](../README.md#reports). A rule counts as broken when one of its cases fails: each page says what the library itself promises in its place.",
    [
      "| report | version | date | broken | kept, as far as it could be tried |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n"),
  ].join("\n\n");
  writeFileSync(new URL("README.md", folder), `${text}\n`);
}
