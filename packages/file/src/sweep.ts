import { isStoreError } from "@kv/core";
import type { FileContext } from "./context.ts";
import { emptyTrash, prune } from "./delete-all.ts";
import { closed, isMissing } from "./errors.ts";
import { listed } from "./file-operations.ts";
import { run } from "./gensync.ts";
import type { EntryFile, Place } from "./layout.ts";
import { childrenOf, identified, isDamage, step } from "./listing.ts";
import { transact } from "./transaction.ts";

/** The lock of an entry, or of the right to break one. */
const lockPattern = /^[0-9a-f]{64}(\.b)*$/;

/**
 * Removes what has expired in a namespace and all below it, and directories that hold nothing any more. At the root, what
 * owners that have gone have left behind, and the trash too. How many entries?
 */
export async function deleteExpired(context: FileContext, place: Place): Promise<number> {
  const { directory, owners } = context;
  const isRoot = place.directory === directory.layout.data;
  if (!(await step(context, "change", () => directory.isStillThere()))) return 0;
  if (isRoot) await step(context, "change", () => owners.fenceAllGone());
  const removed = await sweep(context, place);
  if (isRoot) {
    await breakLocks(context);
    await emptyTrash(context);
  }
  return removed;
}

async function sweep(context: FileContext, place: Place): Promise<number> {
  let removed = 0;
  let isEmpty = true;
  for await (const found of identified(context, place)) {
    if (context.directory.isClosed) throw closed();
    // Whether a damaged one has expired is not known. It is left for those who read it.
    const isExpired = !isStoreError(found) && found.expiresAtMs <= context.now();
    if (isExpired && (await reap(context, found.file))) removed += 1;
    else isEmpty = false;
  }
  for (const child of await childrenOf(context, place)) removed += await sweep(context, child);
  if (isEmpty) await step(context, "change", () => prune(context.directory, place));
  return removed;
}

/** Removes an entry if it has expired, still: under its lock nobody sets or renews it. */
async function reap(context: FileContext, file: EntryFile): Promise<boolean> {
  const { queue, files, now } = context;
  try {
    return await queue.onKey(file.place, file.hash, "change", (call) =>
      run(
        transact(context, file, call, function* (transaction) {
          yield* transaction.lock("leaves"); // somebody who changes it just now is welcome to it
          const found = yield* files.identify(file);
          if (found === undefined || found.expiresAtMs > now()) return false;
          yield* transaction.remove();
          return true;
        }),
        call,
      ),
    );
  } catch (error) {
    if (isStoreError(error, "KV_TIMEOUT") || isDamage(error)) return false;
    throw error;
  }
}

/** Breaks the locks of those that have gone: whoever takes a lock does so. */
async function breakLocks(context: FileContext): Promise<void> {
  const { directory, locks, owners } = context;
  const { disk, layout } = directory;
  for (const name of await step(context, "read", () => listed(disk.later, layout.locks))) {
    if (!lockPattern.test(name)) continue;
    const lock = locks.path(name);
    await step(context, "change", function* (call) {
      const owner = yield* owners.current("no room");
      try {
        yield* locks.take(owner, lock, call, "leaves");
      } catch (error) {
        // Held by somebody, or no lock, and left for those who need one there; or this owner was fenced meanwhile.
        if (isStoreError(error, "KV_TIMEOUT") || isStoreError(error, "KV_FAILED") || isMissing(error)) return;
        throw error;
      }
      yield* locks.release(owner, lock);
    });
  }
}
