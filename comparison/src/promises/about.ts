import { readFileSync } from "node:fs";
import type { RuleId } from "@kv/testkit";

/** The library that a harness speaks for, as a report names it. */
export interface About {
  readonly name: string;
  readonly version: string;
  /** What the library itself promises, by the rule of ours that it stands beside: every rule that it breaks has one. */
  readonly promises: Readonly<Partial<Record<RuleId, string>>>;
  /** What the reader has to know of the adapter. */
  readonly notes: readonly string[];
}

export type Place = "memory" | "Redis";

/** Where a library says nothing of what a rule asks, it has broken no word of its own. */
export const nothing = "Promises nothing here.";

/** What all adapters have in common. */
export const commonNotes: readonly string[] = [
  "Every call of the adapter is the nearest that the library has. Options and durations, which are ours, are read by `@kv/core`; keys, names and values go to the library unchecked.",
  "A rule counts as broken when one of its cases fails, so that a rule may be broken by a small part of what it asks. `Promised` marks what the library says and does not do, `Promises nothing here` what it never said.",
  "S7 asks for errors in the form of E1, which no other library has. Where its calls do reject, the words beside it say so.",
];

/** Reads the version of a library that is installed here. */
export function installed(library: string): string {
  const manifest = new URL(`../../node_modules/${library}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version;
}
