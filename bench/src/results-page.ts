import type { GoalResult } from "./goals.ts";
import type { Line } from "./line.ts";
import type { Ratio } from "./measure.ts";
import type { Result } from "./results.ts";

/** `RESULTS.md`: all of it is made of what was measured. */
export function resultsPage(results: readonly Result[]): string {
  return [
    "# How fast it is",
    "",
    "Every figure is a ratio to the bare thing within the same round, the median of many rounds; more is faster. What is in brackets are the quartiles of ours. Each subject runs in a process of its own, and the processes take turns. `pnpm bench` measures it again; this page is made by it. How cost grows with the number of entries, and planning for very many, stand in [SCALE.md](SCALE.md).",
    "",
    "![Ours beside its peers](results.svg)",
    "",
    ...results.flatMap(section),
  ].join("\n");
}

function section(result: Result): string[] {
  const { title, measuredOn, notes, lines, limits } = result;
  return [
    `## ${title}`,
    "",
    `Measured on ${measuredOn}.`,
    "",
    ...notes.map((note) => `- ${note}`),
    "",
    ...table(result, lines),
    "",
    ...goals(result.outcomes),
    ...(limits.length === 0 ? [] : ["What limits it:", "", ...limits.map((limit) => `- ${limit}`), ""]),
  ];
}

function table({ base, ours }: Result, lines: readonly Line[]): string[] {
  const names = [...new Set(lines.flatMap(({ ratios }) => Object.keys(ratios)))].filter(
    (name) => name !== base && name !== ours,
  );
  const head = ["operation", "value", "in flight", base, `**${ours}**`, ...names];
  return [
    row(head),
    row(head.map((_, at) => (at < 2 ? "---" : "---:"))),
    ...lines.map(({ operation, size, concurrency, ratios }) =>
      row([
        operation,
        size,
        String(concurrency),
        "1",
        withQuartiles(ratios[ours]),
        ...names.map((name) => figure(ratios[name])),
      ]),
    ),
  ];
}

function goals(outcomes: readonly GoalResult[]): string[] {
  if (outcomes.length === 0) return [];
  const head = ["what", "beside", "wanted", "measured"];
  return [
    row(head),
    row(["---", "---", "---:", "---:"]),
    ...outcomes.map(({ operation, size, concurrency, others, least, reached }) =>
      row([
        `${operation}, ${size}, ${concurrency} in flight`,
        others.length > 1 ? `the best of ${others.join("; ")}` : String(others[0]),
        `${least}`,
        reached >= least ? shown(reached) : `${shown(reached)} (not reached)`,
      ]),
    ),
    "",
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function withQuartiles(ratio: Ratio | undefined): string {
  return ratio === undefined
    ? ""
    : `**${shown(ratio.median)}** (${shown(ratio.low)} to ${shown(ratio.high)})`;
}

function figure(ratio: Ratio | undefined): string {
  return ratio === undefined ? "" : shown(ratio.median);
}

function shown(figured: number): string {
  if (figured >= 100) return figured.toFixed(0);
  return figured >= 10 ? figured.toFixed(1) : figured.toFixed(2);
}
