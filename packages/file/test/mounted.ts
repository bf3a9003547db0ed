import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { onTestFinished } from "vitest";
import { newDirectory, newParent } from "./temporary.ts";

/** Mounts a small file system in memory, which goes with the test. Gives where. */
export function mountTmpfs(parent: string, options: string): string {
  return mounted(parent, ["-t", "tmpfs", "-o", options, "tmpfs"]);
}

/** Mounts a directory that is read-only, with what is changed in it kept apart, as that of a container is. */
export function mountOverlay(parent: string, lower: string): string {
  const [upper, work] = [newDirectory(parent).path, newDirectory(parent).path];
  mkdirSync(upper);
  mkdirSync(work);
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  return mounted(parent, ["-t", "overlay", "-o", `${layers},redirect_dir=off`, "overlay"]);
}

export function remount(at: string, mode: "ro" | "rw"): void {
  execFileSync("mount", ["-o", `remount,${mode}`, at]);
}

/** Whether this user may mount such a file system here. */
export const may: Readonly<Record<"mountTmpfs" | "mountOverlay", boolean>> = {
  mountTmpfs: works((parent) => ["-t", "tmpfs", "-o", "size=64k", "tmpfs", parent]),
  mountOverlay: works((parent) => {
    for (const name of ["lower", "upper", "work"]) mkdirSync(`${parent}/${name}`);
    const layers = `lowerdir=${parent}/lower,upperdir=${parent}/upper,workdir=${parent}/work`;
    return ["-t", "overlay", "-o", `${layers},redirect_dir=off`, "overlay", parent];
  }),
};

/** Takes all the room that there is. */
export function fill(at: string): void {
  written(`${at}/filler`, 100_000_000);
}

/** Takes all the inodes that there are. */
export function fillInodes(at: string): void {
  mkdirSync(`${at}/fillers`);
  for (let number = 0; written(`${at}/fillers/${number}`, 0); number += 1);
}

/** Gives all of it back. */
export function empty(at: string): void {
  rmSync(`${at}/filler`, { force: true });
  rmSync(`${at}/fillers`, { recursive: true, force: true });
}

/** Writes until there is no room. Whether there was enough. */
function written(path: string, length: number): boolean {
  try {
    writeFileSync(path, Buffer.alloc(length));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}

function mounted(parent: string, options: readonly string[]): string {
  const at = newDirectory(parent).path;
  mkdirSync(at);
  execFileSync("mount", [...options, at]);
  onTestFinished(() => void execFileSync("umount", ["-l", at]));
  return at;
}

function works(options: (parent: string) => readonly string[]): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const parent = newParent();
  try {
    execFileSync("mount", options(parent), { stdio: "ignore" });
    execFileSync("umount", [parent]);
    return true;
  } catch (error) {
    if (error instanceof Error && ("status" in error || "code" in error)) return false;
    throw error;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}
