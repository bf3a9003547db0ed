import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { isStoreError } from "@kv/core";
import type { Call } from "./call-queue.ts";
import type { FileContext } from "./context.ts";
import { isErrno, isFileError, isMissing, partlyDeleted, perhapsNotDurable } from "./errors.ts";
import { attempt, isThere, listed, makeDirectory, movedIfThere, removeIfEmpty } from "./file-operations.ts";
import { type Gensync, nextTurn, run, wait } from "./gensync.ts";
import { childrenName, entriesName, generationPattern, type Place } from "./layout.ts";
import { childrenOf, entryFiles, step } from "./listing.ts";
import type { StoreDirectory } from "./store-directory.ts";
import { transact } from "./transaction.ts";

/** Empties a namespace and all below it: one rename, and nothing of it is there for anyone. */
export async function deleteAll(context: FileContext, place: Place): Promise<void> {
  const away = await context.queue.onNamespace(place, (call) => run(movedAway(context, place, call), call));
  if (away !== undefined) await emptyTrash(context, away);
}

/**
 * Removes one thing in the trash, or all. Whoever comes first does it, bit by bit; what cannot be removed now is left
 * for the next time.
 */
export async function emptyTrash(context: FileContext, path?: string): Promise<void> {
  try {
    if (path === undefined) await removeAllIn(context, context.directory.layout.trash);
    else await removeTree(context, path);
  } catch (error) {
    if (!isFileError(error) && !isStoreError(error)) throw error;
  }
}

/**
 * Removes the directories of a namespace that holds nothing, each only if it is empty, and generations last: whoever
 * changes something in it now makes what is missing, or finds its generation gone and starts over.
 */
export function* prune({ disk, layout }: StoreDirectory, { directory }: Place): Gensync<void> {
  const { now } = disk;
  if (directory === layout.data) return;
  const all = `${directory}/${entriesName}`;
  const folders = (yield* listed(now, all)).map((folder) => `${all}/${folder}`);
  for (const path of [`${directory}/${childrenName}`, ...folders, all]) {
    if (!(yield* removeIfEmpty(now, path))) return;
  }
  for (const name of yield* listed(now, directory)) {
    if (generationPattern.test(name)) yield* removeIfEmpty(now, `${directory}/${name}`);
  }
  yield* removeIfEmpty(now, directory);
}

/** Gives where it is now; `undefined` where there was nothing, or nothing is left. */
function* movedAway(context: FileContext, place: Place, call: Call): Gensync<string | undefined> {
  const { directory } = context;
  if (!(yield* directory.isStillThere())) return undefined;
  let away: string | undefined;
  call.commit();
  try {
    away = yield* movedToTrash(directory, place.directory);
  } catch (error) {
    if (!isErrno(error, "EXDEV")) throw error;
    yield deletedEach(context, place, call); // a directory in the layer of an image cannot be moved
  }
  try {
    // Where there was nothing, another may just have moved it, or what leads to it, away.
    yield* directory.makeLast(dirname(place.directory));
    if (away !== undefined) yield* directory.makeLast(directory.layout.trash);
  } catch (error) {
    throw isFileError(error) ? perhapsNotDurable(place.directory, error) : error;
  }
  return away;
}

/** Moves a directory there. Gives where it is now; `undefined` where there was none. */
function* movedToTrash({ disk, layout }: StoreDirectory, path: string): Gensync<string | undefined> {
  const to = `${layout.trash}/${randomBytes(8).toString("hex")}`;
  try {
    return (yield* movedIfThere(disk.now, path, to)) ? to : undefined;
  } catch (error) {
    if (!isMissing(error)) throw error;
    yield* makeDirectory(disk.now, layout.trash);
    return (yield* movedIfThere(disk.now, path, to)) ? to : undefined;
  }
}

async function deletedEach(context: FileContext, place: Place, call: Call): Promise<void> {
  try {
    await deleteEach(context, place, call);
  } catch (error) {
    throw partlyDeleted(place.directory, error);
  }
}

/** Removes all entries of a namespace and below it one by one, and the directories that are empty then. */
async function deleteEach(context: FileContext, place: Place, call: Call): Promise<void> {
  const { now } = context.directory.disk;
  for await (const file of entryFiles(context, place)) {
    const change = transact(context, file, call.piece(), function* (transaction) {
      yield* transaction.lock();
      if (yield* isThere(now, file.path)) yield* transaction.remove();
    });
    await run(change, call);
    call.deadline.moveOn();
    await nextTurn();
  }
  for (const child of await childrenOf(context, place)) await deleteEach(context, child, call);
  await run(prune(context.directory, place), call);
}

async function removeAllIn(context: FileContext, path: string): Promise<void> {
  const names = await step(context, "change", () => listed(context.directory.disk.now, path));
  for (const name of names) await removeTree(context, `${path}/${name}`);
}

async function removeTree(context: FileContext, path: string): Promise<void> {
  const { now } = context.directory.disk;
  // A symbolic link is not followed: it is removed itself.
  const unlink = (): Gensync<boolean> => attempt(() => wait(now.unlink(path)), "EISDIR", "EPERM", "ENOENT");
  if (await step(context, "change", unlink)) return;
  await removeAllIn(context, path);
  await step(context, "change", () => removeIfEmpty(now, path));
}
