import { dirname } from "node:path";
import { yieldToEventLoop } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";
import { exists, listDirectory, removeIfEmpty } from "../disk/file-operations.ts";
import { type Gensync, run } from "../disk/gensync.ts";
import type { FileContext } from "../entries/context.ts";
import { transact } from "../entries/transact.ts";
import type { Work } from "../entries/transaction.ts";
import { durabilityUnknown, isErrno, isFileError, partlyDeleted } from "../errors/errors.ts";
import {
  childrenName,
  type EntryFile,
  entriesName,
  generationPattern,
  type NamespaceLocation,
} from "../format/layout.ts";
import type { StoreDirectory } from "../ownership/store-directory.ts";
import { childNamespaces, entryFiles } from "./listing.ts";
import { emptyTrash, moveToTrash } from "./trash.ts";

/** Empties a namespace and all below it: one rename, and nothing of it is there for anyone. */
export async function deleteAll(context: FileContext, location: NamespaceLocation): Promise<void> {
  const inTrash = await context.queue.runOnNamespace(location, (call) =>
    run(moveAway(context, location, call), call),
  );
  if (inTrash !== undefined) await emptyTrash(context, inTrash);
}

/**
 * Removes the directories of a namespace that holds nothing, each only if it is empty, and generations last: whoever
 * changes something in it now makes what is missing, or finds its generation gone and starts over.
 */
export function* prune({ disk, layout }: StoreDirectory, { directory }: NamespaceLocation): Gensync<void> {
  const { inline } = disk;
  if (directory === layout.data) return;
  const all = `${directory}/${entriesName}`;
  const buckets = (yield* listDirectory(inline, all)).map((bucket) => `${all}/${bucket}`);
  for (const path of [`${directory}/${childrenName}`, ...buckets, all]) {
    if (!(yield* removeIfEmpty(inline, path))) return;
  }
  for (const name of yield* listDirectory(inline, directory)) {
    if (generationPattern.test(name)) yield* removeIfEmpty(inline, `${directory}/${name}`);
  }
  yield* removeIfEmpty(inline, directory);
}

/** Moves a namespace away. Returns where it is now; `undefined` where there was nothing, or nothing is left. */
function* moveAway(
  context: FileContext,
  location: NamespaceLocation,
  call: Call,
): Gensync<string | undefined> {
  const { directory, durable } = context;
  if (!(yield* directory.stillExists())) return undefined;
  let inTrash: string | undefined;
  call.commit();
  try {
    inTrash = yield* moveToTrash(directory, location.directory);
  } catch (error) {
    if (!isErrno(error, "EXDEV")) throw error;
    yield deleteEachOrReport(context, location, call); // a directory in the layer of an image cannot be moved
  }
  try {
    // Where there was nothing, another may just have moved it, or what leads to it, away.
    yield* durable.sync(dirname(location.directory));
    if (inTrash !== undefined) yield* durable.sync(directory.layout.trash);
  } catch (error) {
    throw isFileError(error) ? durabilityUnknown(location.directory, error) : error;
  }
  return inTrash;
}

async function deleteEachOrReport(
  context: FileContext,
  location: NamespaceLocation,
  call: Call,
): Promise<void> {
  try {
    await deleteEach(context, location, call);
  } catch (error) {
    throw partlyDeleted(location.directory, error);
  }
}

/** Removes all entries of a namespace and below it one by one, and the directories that are empty then. */
async function deleteEach(context: FileContext, location: NamespaceLocation, call: Call): Promise<void> {
  for await (const file of entryFiles(context, location)) {
    await run(transact(context, file, call.fork(), removalOf(file)), call);
    call.deadline.extend();
    await yieldToEventLoop();
  }
  for (const child of await childNamespaces(context, location)) await deleteEach(context, child, call);
  await run(prune(context.directory, location), call);
}

/** Removes an entry, whatever it is. */
function removalOf(file: EntryFile): Work<void> {
  return {
    *run(transaction) {
      yield* transaction.lock();
      const { inline } = transaction.context.directory.disk;
      if (yield* exists(inline, file.path)) yield* transaction.remove();
    },
  };
}
