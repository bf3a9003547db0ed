import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Contender } from "./measure.ts";
import type { Case } from "./operations.ts";
import type { Binaries, ServerKind } from "./test-servers.ts";

const lengths = { "100 B": 100, "10 KiB": 10 * 1_024, "1 MiB": 1_024 * 1_024 } as const;
const tests: Readonly<Record<string, string>> = { "get hit": "get", set: "set", increment: "incr" };

/**
 * The program that comes with the server, written in C, with as many calls under way as the case has: what the server
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
    const args = ["-p", port, "-t", test, "-d", lengths[size], "-r", 1_000, "-n", calls, "-P", concurrency];
    return {
      name: `${kind}-benchmark -P`,
      async rate() {
        const { stdout } = await promisify(execFile)(program, [...args, "-c", 1, "--csv"].map(String), {
          env: { ...process.env, ...env },
        });
        const [, rate] = new RegExp(`^"${test.toUpperCase()}.*?","([\\d.]+)"`, "m").exec(stdout) ?? [];
        return Number(rate);
      },
    };
  };
}
