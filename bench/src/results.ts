import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Comparison } from "./comparison.ts";

/** What a suite measured, and on what. */
export interface Result extends Comparison {
  readonly measuredOn: string;
}

const folder = new URL("../results/", import.meta.url);

/** Kept beside the pages that are made of them, so that a suite can be run again by itself. */
export function keepResult(name: string, result: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify(result, replaceLongNumbers, 1)}\n`);
}

export function keptResult(name: string): unknown {
  const file = fileOf(name);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

function fileOf(name: string): URL {
  return new URL(`${name}.json`, folder);
}

function replaceLongNumbers(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
