import { headline } from "./headline.ts";
import type { ProofReport } from "./proof-report.ts";

const label = "contract";
const colours = { broken: "#c62828", proved: "#2e7d32", nothing: "#616161" } as const;
const padding = 6;

/**
 * Draws the badge of a report, as an SVG that fetches nothing.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { prove, reportBadge } from "@kv/testkit";
 *
 * const harness = { name: "memory", capabilities: [], open: () => ({ store: memoryStore() }) };
 * console.log(reportBadge(await prove(harness)));
 * ```
 */
export function reportBadge(report: ProofReport): string {
  const message = headline(report);
  const left = widthOf(label) + 2 * padding;
  const right = widthOf(message) + 2 * padding;
  const title = `${label}: ${message}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${title}">
  <title>${title}</title>
  <clipPath id="round"><rect width="${left + right}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#round)">
    <rect width="${left}" height="20" fill="#555"/>
    <rect x="${left}" width="${right}" height="20" fill="${colourOf(report)}"/>
  </g>
  <g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">
    <text x="${padding}" y="14" textLength="${left - 2 * padding}">${label}</text>
    <text x="${left + padding}" y="14" textLength="${right - 2 * padding}">${message}</text>
  </g>
</svg>
`;
}

function colourOf({ totals: { broken, proved, provedInPart } }: ProofReport): string {
  if (broken > 0) return colours.broken;
  return proved + provedInPart > 0 ? colours.proved : colours.nothing;
}

/** Estimates how wide a text is in Verdana at 11 pixels; `textLength` sets it to exactly that in any font. */
function widthOf(text: string): number {
  const widths = Array.from(text, (letter) => {
    if (/[ ,fijlrt]/.test(letter)) return 4.2;
    return /[mw]/.test(letter) ? 9.8 : 6.9;
  });
  return Math.round(widths.reduce((sum, width) => sum + width, 0));
}
