import type * as kitModule from "@kv/testkit";
import type { CaseResult, CaseRun, ProofReport, Verdict } from "@kv/testkit";
import { loadHarness } from "../harness/load-harness.ts";
import { isNotInstalled } from "../location/backends.ts";
import { withProgress } from "../terminal/progress.ts";
import { write, writeJson } from "../terminal/terminal.ts";
import { exitCodes, UsageError } from "../usage/exit-codes.ts";
import type { Options } from "../usage/options.ts";
import type { Command } from "./command.ts";

type Testkit = typeof kitModule;

/** The broken rules whose first failure is shown; the report has all. */
const mostShown = 3;

export const prove: Command = {
  operands: "HARNESS",
  summary: "run the store contract on a store of your own, and write a report of what it keeps",
  details: `HARNESS is a module whose default export is a harness of @kv/testkit, or a function, which may be async, that
returns one. It may export about, for a library that is not yours ({ name, version, promises, notes }), and close,
which is called at the end. TypeScript needs Node 22.18 or later, or tsx:
  NODE_OPTIONS="--import tsx" npx kv prove ./harness.ts

The exit code is 0 where no rule is broken, what could not be proven included, and 1 where one is.`,
  count: [1, 1],
  options: ["out", "seed", "runs", "rule", "progress", "json"],
  async run({ operands: [path = ""], options, terminal }) {
    const kit = await loadTestkit();
    const { rule: rules } = options;
    checkRules(kit, rules);
    const { harness, about, close } = await loadHarness(path);
    const filter = ({ testCase }: CaseRun): boolean => rules.length === 0 || rules.includes(testCase.rule);
    const total = kit.caseRuns(harness).filter(filter).length;
    const results: CaseResult[] = [];
    let failed = 0;
    const describe = (): string =>
      `${harness.name}: ${results.length} of ${total} cases tried, ${failed === 0 ? "none" : failed} failed`;

    try {
      const commit = await kit.findCommit(process.cwd());
      const proved = await withProgress(terminal, options.progress, describe, () =>
        kit.prove(harness, {
          seed: options.seed,
          runs: options.runs,
          filter,
          about,
          commit,
          onResult(result) {
            results.push(result);
            if (result.outcome === "failed") failed += 1;
          },
        }),
      );
      const report = { ...proved, repeat: repeatingCommand(path, options, proved) };
      const [, page = ""] = await kit.writeReport(report, options.out);
      if (options.json) await writeJson(terminal, report);
      else await write(terminal, summary(report, kit.unprovenRules(results), page));
      return report.totals.broken > 0 ? exitCodes.no : exitCodes.done;
    } finally {
      await close();
    }
  },
};

/** Loads the kit, which only this command needs. */
async function loadTestkit(): Promise<Testkit> {
  try {
    return await import("@kv/testkit");
  } catch (error) {
    if (!isNotInstalled(error, "@kv/testkit")) throw error;
    throw new UsageError(
      "kv prove needs @kv/testkit, which is not installed. Install it alongside @kv/cli: npm install --save-dev @kv/testkit (with --global if that is how kv was installed).",
      { cause: error },
    );
  }
}

function checkRules({ rules }: Testkit, asked: readonly string[]): void {
  const unknown = asked.find((rule) => !Object.hasOwn(rules, rule));
  if (unknown === undefined) return;
  const known = Object.keys(rules);
  const meant = known.find((rule) => rule === unknown.toUpperCase());
  throw new UsageError(
    `The contract has no rule ${JSON.stringify(unknown)}.${meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`} Its rules are ${known.join(", ")}.`,
  );
}

function repeatingCommand(path: string, { rule }: Options, { seed, runs }: ProofReport): string {
  const operand = /^[\w./@-]+$/.test(path) ? path : JSON.stringify(path);
  return [
    `npx kv prove ${operand} --seed ${seed} --runs ${runs}`,
    ...rule.map((each) => `--rule ${each}`),
  ].join(" ");
}

function summary(report: ProofReport, unproven: readonly string[], page: string): string {
  const { totals, rules, name, repeat } = report;
  const broken = rules.filter(({ verdict }) => verdict === "broken");
  const count = (verdict: Verdict, number: number): string[] =>
    number === 0 ? [] : [`${number} ${verdict}`];
  const counts = [
    `${totals.proved} of ${totals.rules} rules proved`,
    ...count("proved in part", totals.provedInPart),
    ...count("not proven", totals.notProven),
    totals.broken === 0
      ? "none broken"
      : `${totals.broken} broken: ${broken.map(({ rule }) => rule).join(", ")}`,
  ];
  const shown = broken.slice(0, mostShown).flatMap(({ failures: [first] }) => first?.message ?? []);
  return [
    ...shown.map((message) => `${message}\n\n`),
    broken.length > mostShown
      ? `(and ${broken.length - mostShown} more broken rules: see the report)\n\n`
      : "",
    ...unproven.map((line) => `not proven: ${line}\n`),
    unproven.length > 0 ? "\n" : "",
    `${name}: ${counts.join(", ")}.\n`,
    `The report: ${page}, with a .json and a badge in .svg beside it\n`,
    `The same again: ${repeat}\n`,
  ].join("");
}
