import { caseCount, headline } from "./headline.ts";
import type { About, ProofReport, RuleReport, Verdict } from "./proof-report.ts";

const contract = "https://github.com/kv-stores/kv/blob/main/CONTRACT.md";

const marks: Readonly<Record<Verdict, string>> = {
  proved: "✓ proved",
  "proved in part": "◐ in part",
  broken: "✗ **broken**",
  "not proven": "○ not proven",
};

/**
 * Writes a report as a page for people, in Markdown.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { prove, reportMarkdown } from "@kv/testkit";
 *
 * const harness = { name: "memory", capabilities: [], open: () => ({ store: memoryStore() }) };
 * console.log(reportMarkdown(await prove(harness)));
 * ```
 */
export function reportMarkdown(report: ProofReport): string {
  const broken = report.rules.filter(({ failures }) => failures.length > 0);
  const open = report.rules.filter(({ unproven }) => unproven.length > 0);
  return [
    `# ${report.name}: ${headline(report)}`,
    verdicts(report),
    origin(report),
    ...aboutSection(report.about),
    ruleTable(report),
    ...(broken.length === 0 ? [] : ["## What is broken", ...broken.flatMap(brokenSection)]),
    ...(open.length === 0 ? [] : ["## What is not proven, and why", gaps(open)]),
    "## Numbers",
    numbers(report),
    "## How to repeat it",
    "The same seed makes the same random runs. The order in which concurrent calls meet is each run's own.",
    `\`\`\`\n${report.repeat}\n\`\`\``,
  ]
    .join("\n\n")
    .concat("\n");
}

function verdicts({ rules, totals: { broken, proved, provedInPart, notProven } }: ProofReport): string {
  const names = rules.filter(({ verdict }) => verdict === "broken").map(({ rule }) => rule);
  const open = [
    ...(notProven > 0 ? [`${notProven} ${notProven === 1 ? "is" : "are"} not proven`] : []),
    ...(provedInPart > 0 ? [`${provedInPart} in part only`] : []),
  ].join(", and ");
  return [
    broken === 0 ? "**No rule was broken.**" : `**Broken: ${names.join(", ")}.**`,
    broken === 0 ? "" : `${proved} of the ${rules.length} rules are proved.`,
    open === "" ? "" : `${open}: [why](#what-is-not-proven-and-why).`,
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

function origin({ date, versions, commit }: ProofReport): string {
  const moment = `${date.slice(0, 10)} at ${date.slice(11, 16)} UTC`;
  const [id, dirty] = (commit ?? "").split("-");
  const changed = dirty === undefined ? "" : " with changes that are not committed";
  const at = commit === undefined ? "" : `, at commit \`${id?.slice(0, 12)}\`${changed}`;
  const by = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Held against [the store contract](${contract}) on ${moment}${at}${by.length === 0 ? "." : `: ${by.join(", ")}.`}`;
}

function aboutSection(about: About | undefined): string[] {
  if (about === undefined) return [];
  return [
    `Tested is ${about.name} ${about.version}, through an adapter. Where a rule is broken, that library may never have promised it: its own words stand beside ours.`,
    ...(about.notes === undefined || about.notes.length === 0
      ? []
      : [about.notes.map((note) => `- ${note}`).join("\n")]),
  ];
}

function ruleTable({ rules, about }: ProofReport): string {
  const withPromises = about?.promises !== undefined;
  const rows = rules.map((rule) => [
    rule.rule,
    marks[rule.verdict],
    caseCount(rule),
    firstSentence(rule.text),
    ...(withPromises ? [rule.promise ?? ""] : []),
  ]);
  const own = withPromises ? [`the words of ${about.name}`] : [];
  return table([["rule", "", "cases passed", "in short", ...own], ...rows]);
}

function firstSentence(text: string): string {
  return /^.*?\.(?= |$)/s.exec(text)?.[0] ?? text;
}

/** Shows the first failure of a rule whole, and names the other cases that break it. */
function brokenSection({ rule, failures: [first, ...others] }: RuleReport): string[] {
  const placesByCase = new Map<string, string[]>();
  for (const { case: name, place } of others) {
    placesByCase.set(name, [...(placesByCase.get(name) ?? []), place]);
  }
  const list = Array.from(placesByCase, ([name, places]) => `- ${name} (${places.join(", ")})`);
  return [
    `### ${rule}`,
    `\`\`\`\`text\n${first?.message ?? ""}\n\`\`\`\``,
    ...(others.length === 0
      ? []
      : [
          `<details><summary>${others.length} more ${others.length === 1 ? "failure" : "failures"}</summary>`,
          list.join("\n"),
          "</details>",
        ]),
  ];
}

/** Lists what is open by its reason, since one thing that a harness lacks leaves many cases open. */
function gaps(open: readonly RuleReport[]): string {
  const byReason = new Map<string, Map<string, number>>();
  for (const { rule, passed, failures, unproven } of open) {
    const named = passed + failures.length > 0 ? `${rule} in part` : rule;
    for (const { because } of unproven) {
      const counts = byReason.get(because) ?? new Map<string, number>();
      byReason.set(because, counts.set(named, (counts.get(named) ?? 0) + 1));
    }
  }
  const rows = Array.from(byReason, ([because, counts]) => [
    because,
    [...counts.keys()].join(", "),
    String([...counts.values()].reduce((sum, count) => sum + count)),
  ]);
  return table([["because", "leaves open", "cases"], ...rows]);
}

function numbers({ totals, measures, capabilities, places, seed, runs }: ProofReport): string {
  const rows = [
    [
      "cases",
      `${plain(totals.passed)} passed, ${plain(totals.failed)} failed, ${plain(totals.unproven)} unproven`,
    ],
    ["places", places.join(", ")],
    ["capabilities", capabilities.length === 0 ? "none" : capabilities.join(", ")],
    ["calls made", plain(measures.calls)],
    ["longest call", seconds(measures.longestCallMs)],
    ["faults injected", plain(measures.faults)],
    ["random runs", plain(measures.randomRuns)],
    ["histories checked", `${plain(measures.histories)}, ${plain(measures.undecidedHistories)} undecided`],
    ["seed", `${seed}, ${plain(runs)} random runs of each kind`],
    ["took", seconds(measures.durationMs)],
  ];
  return table([["", ""], ...rows]);
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function plain(count: number): string {
  return count.toLocaleString("en-US");
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
