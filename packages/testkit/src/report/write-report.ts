import type { ProofReport } from "./proof-report.ts";
import { reportBadge } from "./report-badge.ts";
import { reportMarkdown } from "./report-markdown.ts";

/**
 * Writes a report into a folder, which is made where there is none: as JSON, as Markdown and as a badge, each named as the
 * harness is. Resolves with the paths of the three files.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { prove, writeReport } from "@kv/testkit";
 *
 * const harness = { name: "memoryStore", capabilities: [], open: () => ({ store: memoryStore() }) };
 * console.log(await writeReport(await prove(harness), "reports")); // reports/memory-store.json, .md and .svg
 * ```
 */
export async function writeReport(report: ProofReport, folder: string): Promise<string[]> {
  const { mkdir, writeFile } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const texts = {
    json: `${JSON.stringify(report, undefined, 2)}\n`,
    md: reportMarkdown(report),
    svg: reportBadge(report),
  };
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  for (const [extension, text] of Object.entries(texts)) {
    const path = join(folder, `${fileNameOf(report.name)}.${extension}`);
    await writeFile(path, text);
    written.push(path);
  }
  return written;
}

/** Returns a name that is a good one for a file: `redisStore({ url })` is `redis-store-url`. */
export function fileNameOf(name: string): string {
  const words = name
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1-$2")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+(?:\.[\p{L}\p{N}]+)*/gu);
  return words?.join("-") ?? "store";
}
