import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "../process/has-code.ts";
import { guardian } from "./guardian.ts";

const PREFIX = "kv-test-servers-";

let root: string | undefined;

/**
 * A new empty folder below this process's own temporary folder, which goes when the process does.
 *
 * The first call also removes what runs left behind whose guardian was killed along with them.
 */
export function workFolder(name: string): Promise<string> {
  root ??= openRoot();
  return mkdtemp(join(root, `${name}-`));
}

function openRoot(): string {
  const namespace = pidNamespace();
  sweep(namespace);
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${namespace}-${process.pid}-`));
  guardian().watchFolder(folder);
  return folder;
}

/** Removes the folders whose process is no more. A pid of another container means nothing here: it stays. */
function sweep(namespace: string): void {
  for (const name of readdirSync(tmpdir())) {
    const [, owner, pid] = /^kv-test-servers-(\w+)-(\d+)-/.exec(name) ?? [];
    if (owner !== namespace || pid === undefined || isRunning(Number(pid))) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch (error) {
      // Another user's, in a shared temporary folder: theirs to sweep.
      if (!hasCode(error, "EACCES", "EPERM")) throw error;
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
    if (hasCode(error, "EPERM")) return true;
    throw error;
  }
}

function pidNamespace(): string {
  if (process.platform !== "linux") return process.platform;
  return readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
}
