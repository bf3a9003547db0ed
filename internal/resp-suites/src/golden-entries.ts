import { readFileSync } from "node:fs";

/** An entry as a released version has laid it down, which every later one must find (N7). */
export interface GoldenEntry {
  readonly path: readonly [string, ...string[]];
  readonly key: string;
  readonly serverKey: string;
  readonly value: string;
}

export const goldenEntries = JSON.parse(
  readFileSync(new URL("../golden/0.1.json", import.meta.url), "utf8"),
) as readonly GoldenEntry[];
