import { execFile, execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { promisify } from "node:util";
import type { Server } from "./test-servers.ts";

// Which CPU a process runs on is luck, and two that talk to each other are faster or slower by it. Where there is no
// taskset, or but one CPU, it stays so.

const serverCpu = "0";
const clientCpu = "1";
const canPin = cpus().length > 1 && hasTaskset();

export async function pinServer(server: Server): Promise<void> {
  const [, pid] = /process_id:(\d+)/.exec(String(await server.command("INFO", "server"))) ?? [];
  pin(Number(pid), serverCpu);
}

export function pinClient(pid: number | undefined): void {
  pin(pid, clientCpu);
}

/** Runs a program where the clients run. */
export function runPinned(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ stdout: string }> {
  const command = canPin ? ["taskset", "-c", clientCpu, program, ...args] : [program, ...args];
  const [file = program, ...rest] = command;
  return promisify(execFile)(file, rest, { env: { ...process.env, ...env } });
}

function pin(pid: number | undefined, cpu: string): void {
  if (canPin && pid !== undefined) execFileSync("taskset", ["-acp", cpu, String(pid)], { stdio: "ignore" });
}

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
