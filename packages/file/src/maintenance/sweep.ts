import { isStoreError } from "@kv/core";
import { listDirectory } from "../disk/file-operations.ts";
import { run } from "../disk/gensync.ts";
import type { FileContext } from "../entries/context.ts";
import { transact } from "../entries/transact.ts";
import type { Work } from "../entries/transaction.ts";
import { isNotFound, storeClosed } from "../errors/errors.ts";
import type { EntryFile, NamespaceLocation } from "../format/layout.ts";
import { prune } from "./delete-all.ts";
import { childNamespaces, entryHeaders, isDamage, runStep } from "./listing.ts";
import { emptyTrash } from "./trash.ts";

/** The name of the lock of an entry, or of one that is taken to break another. */
const lockPattern = /^[0-9a-f]{64}(\.b)*$/;

/**
 * Removes what has expired in a namespace and all below it, and directories that hold nothing any more; at the root also
 * what dead owners have left behind, and the trash. Returns the number of entries that it removed.
 */
export async function deleteExpired(context: FileContext, location: NamespaceLocation): Promise<number> {
  const { directory, owners } = context;
  const isRoot = location.directory === directory.layout.data;
  if (!(await runStep(context, "write", () => directory.stillExists()))) return 0;
  if (isRoot) await runStep(context, "write", () => owners.fenceDead());
  const removed = await sweepNamespace(context, location);
  if (isRoot) {
    await breakStaleLocks(context);
    await emptyTrash(context);
  }
  return removed;
}

async function sweepNamespace(context: FileContext, location: NamespaceLocation): Promise<number> {
  let removed = 0;
  let isEmpty = true;
  for await (const entry of entryHeaders(context, location)) {
    if (context.directory.isClosed) throw storeClosed();
    // Whether a damaged one has expired is not known. It is left for those who read it.
    const isExpired = !isStoreError(entry) && entry.expiresAtMs <= context.now();
    if (isExpired && (await removeIfExpired(context, entry.file))) removed += 1;
    else isEmpty = false;
  }
  for (const child of await childNamespaces(context, location)) {
    removed += await sweepNamespace(context, child);
  }
  if (isEmpty) await runStep(context, "write", () => prune(context.directory, location));
  return removed;
}

async function removeIfExpired(context: FileContext, file: EntryFile): Promise<boolean> {
  try {
    return await context.queue.runOnKey(file, "write", (call) =>
      run(transact(context, file, call, removalIfExpired(file)), call),
    );
  } catch (error) {
    if (isStoreError(error, "KV_TIMEOUT") || isDamage(error)) return false;
    throw error;
  }
}

/** Removes an entry if it has expired, still: under its lock nobody sets or renews it. */
function removalIfExpired(file: EntryFile): Work<boolean> {
  return {
    *run(transaction) {
      const { reader, now } = transaction.context;
      yield* transaction.lock("noWait"); // whoever changes it just now may have it
      const entry = yield* reader.readHeader(file);
      if (entry === undefined || entry.expiresAtMs > now()) return false;
      yield* transaction.remove();
      return true;
    },
  };
}

/** Breaks the locks of dead owners, as whoever acquires one does. */
async function breakStaleLocks(context: FileContext): Promise<void> {
  const { directory, locks, owners } = context;
  const { disk, layout } = directory;
  for (const name of await runStep(context, "read", () => listDirectory(disk.pooled, layout.locks))) {
    if (!lockPattern.test(name)) continue;
    const lock = locks.path(name);
    await runStep(context, "write", function* (call) {
      const owner = yield* owners.current("reserve");
      try {
        yield* locks.acquire(owner, lock, call, "noWait");
      } catch (error) {
        // Held by somebody, or not a lock, and left for those who need one there; or this owner was fenced meanwhile.
        if (isStoreError(error, "KV_TIMEOUT") || isStoreError(error, "KV_FAILED") || isNotFound(error))
          return;
        throw error;
      }
      yield* locks.release(owner, lock);
    });
  }
}
