import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Contender } from "./measure.ts";
import type { Case } from "./operations.ts";
import { runPinned } from "./pinning.ts";
import type { Binaries, ServerKind } from "./test-servers.ts";

const lengths = { "100 B": 100, "10 KiB": 10 * 1_024, "1 MiB": 1_024 * 1_024 } as const;
const tests: Readonly<Record<string, string>> = { "get hit": "get", set: "set", increment: "incr" };

/**
 * The program that comes with the server, written in C, with as many calls in flight as the case has: what the server
 * can do at most. `undefined` where the program is not there, or does not know the operation.
 */
export function serverBenchmark(
  kind: ServerKind,
  { server, env }: Binaries,
  port: number,
): (measured: Case) => Contender | undefined {
  const program = join(dirname(server), `${kind}-benchmark`);
  if (!existsSync(program)) return () => undefined;
  return ({ operation, size, concurrency }) => {
    const test = tests[operation];
    if (test === undefined || size === "1 MiB") return undefined;
    const calls = concurrency === 1 ? 10_000 : size === "100 B" ? 200_000 : 50_000;
    const common = ["-p", port, "-d", lengths[size], "-r", 1_000, "-c", 1, "--csv"];
    const run = (what: string, count: number, pipeline: number): Promise<{ stdout: string }> =>
      runPinned(program, [...common, "-t", what, "-n", count, "-P", pipeline].map(String), env);
    let isFilled = false;
    return {
      name: `${kind}-benchmark -P`,
      async rate() {
        if (!isFilled && test === "get") await run("set", 20_000, 32); // else it gets what is not there
        isFilled = true;
        const { stdout } = await run(test, calls, concurrency);
        const [, rate] = new RegExp(`^"${test.toUpperCase()}.*?","([\\d.]+)"`, "m").exec(stdout) ?? [];
        return Number(rate);
      },
    };
  };
}
