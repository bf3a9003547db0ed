import { existsSync, readFileSync } from "node:fs";

/** Whether a process runs or is paused. One that ended and was not yet waited for (a zombie) does not run. */
export function isRunning(pid: number): boolean {
  if (process.platform === "linux") {
    if (!existsSync(`/proc/${pid}/status`)) return false;
    try {
      return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch (error) {
      // It ended between the two looks.
      if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
      throw error;
    }
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
