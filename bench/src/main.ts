import type { Comparison } from "./comparison.ts";
import { memory } from "./suites/memory.ts";
import { resp } from "./suites/resp.ts";

const suites: Readonly<Record<string, () => Promise<Comparison>>> = {
  memory: () => memory({ rounds: 15, sliceMs: 40 }),
  redis: () => resp("redis", { rounds: 9, sliceMs: 60 }),
  valkey: () => resp("valkey", { rounds: 9, sliceMs: 60 }),
};

const [name = "memory"] = process.argv.slice(2);
await suites[name]?.();
