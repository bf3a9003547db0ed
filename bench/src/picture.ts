import type { Line } from "./line.ts";
import type { Result } from "./results.ts";

const width = 860;
const labelWidth = 230;
const barHeight = 16;
const gap = 4;

/** Bars for the lines that each suite wants to be seen by, as an SVG that is readable on light and dark pages. */
export function picture(results: readonly Result[]): string {
  const parts: string[] = [];
  let y = 10;
  for (const result of results) {
    for (const line of result.lines) {
      if (!isPictured(result, line)) continue;
      const [drawn, height] = panel(result, line, y);
      parts.push(drawn);
      y += height;
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="12">`,
    "<style>text{fill:#444}.ours{fill:#2f81f7}.base{fill:#8b949e}.peer{fill:#d29922}@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>",
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function isPictured({ pictured }: Result, line: Line): boolean {
  return pictured.some(
    ([operation, size, concurrency]) =>
      line.operation === operation && line.size === size && line.concurrency === concurrency,
  );
}

function panel({ title, base, ours }: Result, line: Line, top: number): [string, number] {
  const bars = Object.entries(line.ratios)
    .filter(([name]) => !name.endsWith("-benchmark -P"))
    .toSorted(([, a], [, b]) => b.median - a.median);
  const most = Math.max(...bars.map(([, { median }]) => median));
  const parts = [
    `<text x="0" y="${top + 12}" font-weight="bold">${title}: ${line.operation}, ${line.size}, ${line.concurrency} in flight</text>`,
  ];
  for (const [at, [name, { median }]] of bars.entries()) {
    const y = top + 22 + at * (barHeight + gap);
    const length = Math.max(1, (median / most) * (width - labelWidth - 60));
    const kind = name.startsWith(ours) ? "ours" : name === base ? "base" : "peer";
    parts.push(
      `<text x="${labelWidth - 8}" y="${y + 12}" text-anchor="end">${name}</text>`,
      `<rect class="${kind}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
      `<text x="${(labelWidth + length + 6).toFixed(1)}" y="${y + 12}">${median.toFixed(2)}</text>`,
    );
  }
  return [parts.join("\n"), 22 + bars.length * (barHeight + gap) + 18];
}
