import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** Runs a program to its end and resolves to its standard output. Rejects with what it said on failure. */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; withinMs?: number } = {},
): Promise<string> {
  const { stdout } = await execFileAsync(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, LC_ALL: "C", ...options.env },
    timeout: options.withinMs ?? 60_000,
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout;
}
