import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryDirectory {
  readonly path: string;
  exists(): boolean;
  remove(): void;
}

/** A path at which nothing is yet. */
export function newDirectory(parent: string = tmpdir()): TemporaryDirectory {
  const path = join(parent, `kv-file-${crypto.randomUUID()}`);
  return {
    path,
    exists: () => existsSync(path),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** A directory for those of stores: on the disk, or in memory where the machine has that, for what runs long. */
export function newParent(on: "disk" | "memory" = "disk"): string {
  const base = on === "memory" && existsSync(memory) ? memory : tmpdir();
  return mkdtempSync(join(base, "kv-file-"));
}

const memory = "/dev/shm";

/** The paths of all that a directory holds, however deep. */
export function allBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map((path) => join(directory, String(path)));
}
