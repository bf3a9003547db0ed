import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Comparison } from "./comparison.ts";
import { describeMachine } from "./machine.ts";
import { picture } from "./picture.ts";
import { keepResult, keptResult, type Result } from "./results.ts";
import { resultsPage } from "./results-page.ts";
import { scalePage } from "./scale-page.ts";
import { durableFiles, files } from "./suites/file.ts";
import { memory } from "./suites/memory.ts";
import { rateLimit } from "./suites/rate-limit.ts";
import { resp } from "./suites/resp.ts";
import { type Scale, scale } from "./suites/scale.ts";

/** The results that each suite has, by the name under which they are kept. */
const suites: Readonly<Record<string, Readonly<Record<string, () => Promise<Comparison>>>>> = {
  memory: { memory: () => memory({ rounds: 21, sliceMs: 40 }) },
  file: {
    "file-tmpfs": () => files("/dev/shm", { rounds: 15, sliceMs: 40 }),
    file: () => files(tmpdir(), { rounds: 15, sliceMs: 40 }),
    "file-durable": () => durableFiles(tmpdir(), { rounds: 15, sliceMs: 80 }),
  },
  redis: { redis: () => resp("redis", { rounds: 11, sliceMs: 40 }) },
  valkey: { valkey: () => resp("valkey", { rounds: 11, sliceMs: 40 }) },
  "rate-limit": { "rate-limit": () => rateLimit({ rounds: 21, sliceMs: 60 }) },
};

const known = [...Object.keys(suites), "scale"];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`There is no ${unknown.join(", ")}. Known: ${known.join(", ")}.\n`);
  process.exitCode = 1;
} else {
  for (const name of asked.length > 0 ? asked : known) {
    process.stderr.write(`\n${name}\n`);
    if (name === "scale") keepResult(name, await scale());
    for (const [kept, measure] of Object.entries(suites[name] ?? {})) {
      keepResult(kept, { ...(await measure()), measuredOn: describeMachine() });
    }
  }
  const results = Object.values(suites)
    .flatMap((suite) => Object.keys(suite))
    .map((name) => keptResult(name) as Result | undefined)
    .filter((result) => result !== undefined);
  const grown = keptResult("scale") as Scale | undefined;
  write("RESULTS.md", resultsPage(results));
  write("results.svg", picture(results));
  if (grown !== undefined) write("SCALE.md", scalePage(grown));
}

function write(file: string, text: string): void {
  writeFileSync(new URL(`../${file}`, import.meta.url), text);
}
