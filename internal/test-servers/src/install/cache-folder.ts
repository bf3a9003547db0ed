import { accessSync, constants, lstatSync, mkdirSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { hasCode } from "../process/has-code.ts";

/**
 * The folder that keeps installed servers from one run to the next: below `XDG_CACHE_HOME`, else `~/.cache`,
 * else (a user without a home) the temporary folder.
 */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const home = HOME === undefined || HOME === "" ? undefined : homedir();
  const places = [
    XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : undefined,
    home === undefined ? undefined : join(home, ".cache"),
  ];
  for (const place of places) {
    const folder = place === undefined ? undefined : join(place, "kv-test-servers");
    if (folder !== undefined && isWritable(folder)) return folder;
  }
  return privateFolder(join(tmpdir(), `kv-test-servers-cache-${process.getuid?.() ?? "user"}`));
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch (error) {
    if (hasCode(error, "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

/** Anyone may make a folder of this name first, and put programs into it: it must be ours and closed. */
function privateFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new Error(
      `Others can write to ${folder}: remove it, or set XDG_CACHE_HOME to a folder of your own`,
    );
  }
  return folder;
}
