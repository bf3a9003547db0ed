import { randomBytes } from "node:crypto";
import { isStoreError } from "@kv/core";
import {
  attempt,
  listDirectory,
  makeDirectory,
  moveIfExists,
  removeIfEmpty,
} from "../disk/file-operations.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import type { FileContext } from "../entries/context.ts";
import { isFileError, isNotFound } from "../errors/errors.ts";
import type { StoreDirectory } from "../ownership/store-directory.ts";
import { runStep } from "./listing.ts";

/** Moves a directory to the trash. Returns where it is now; `undefined` where there was none. */
export function* moveToTrash({ disk, layout }: StoreDirectory, path: string): Gensync<string | undefined> {
  const to = `${layout.trash}/${randomBytes(8).toString("hex")}`;
  try {
    return (yield* moveIfExists(disk.inline, path, to)) ? to : undefined;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    yield* makeDirectory(disk.inline, layout.trash);
    return (yield* moveIfExists(disk.inline, path, to)) ? to : undefined;
  }
}

/** Removes one thing in the trash, or all, step by step. What cannot be removed now is left for the next time. */
export async function emptyTrash(context: FileContext, path?: string): Promise<void> {
  try {
    if (path === undefined) await removeContents(context, context.directory.layout.trash);
    else await removeTree(context, path);
  } catch (error) {
    if (!isFileError(error) && !isStoreError(error)) throw error;
  }
}

async function removeContents(context: FileContext, path: string): Promise<void> {
  const names = await runStep(context, "write", () => listDirectory(context.directory.disk.inline, path));
  for (const name of names) await removeTree(context, `${path}/${name}`);
}

async function removeTree(context: FileContext, path: string): Promise<void> {
  const { inline } = context.directory.disk;
  // A symbolic link is not followed: it is removed itself.
  const unlink = (): Gensync<boolean> =>
    attempt(() => wait(inline.unlink(path)), "EISDIR", "EPERM", "ENOENT");
  if (await runStep(context, "write", unlink)) return;
  await removeContents(context, path);
  await runStep(context, "write", () => removeIfEmpty(inline, path));
}
