import { isStoreError, StoreError } from "@kv/core";
import type { Backend } from "./backend.ts";
import { listed, removeIfEmpty, shut, shutSuffix } from "./directories.ts";
import { isErrno, isMissing } from "./errors.ts";
import { canBeIdentity } from "./identity.ts";
import { answered, type Io, run } from "./io.ts";
import { childrenName, type EntryFile, entriesName, ownersName, type Place } from "./layout.ts";
import { childrenOf, entryFiles } from "./listing.ts";
import type { Deadline, Holder } from "./locks.ts";
import { ownerOf } from "./own-directories.ts";

/** An owner that cannot be judged and has not held a lock for so long is fenced: if it lives, it starts over. */
const forgottenMs = 24 * 3_600_000;
/** The lock of an entry, or of the right to break one. */
const lockPattern = /^[0-9a-f]{64}(\.b)*$/;

/**
 * Removes what has expired in a namespace and all below it, the litter of killed processes, and directories that
 * hold nothing any more. At the root, their locks and the trash too. How many entries?
 */
export async function sweep(backend: Backend, place: Place): Promise<number> {
  const { session, trash } = backend;
  await run(session.open());
  if (place.directory !== session.layout.data) return (await sweepNamespace(backend, place)).removed;
  await fenceEnded(backend);
  const left = await locksLeft(backend);
  const { removed } = await sweepNamespace(backend, place);
  // Whoever held these was fenced before the walk, and the walk has fenced what it had begun in any namespace.
  for (const [lock, holder] of left) await breakLeft(backend, lock, holder);
  await trash.empty();
  return removed;
}

async function sweepNamespace(
  backend: Backend,
  place: Place,
): Promise<{ removed: number; isEmpty: boolean }> {
  let removed = 0;
  let isEmpty = true;
  const slice = backend.order.turns.slice();
  for await (const file of entryFiles(backend, place)) {
    if (slice.isOver()) await slice.next();
    const answer = run(lookAt(backend, file));
    const outcome = answer instanceof Promise ? await answer : answer;
    if (outcome === "expired" && (await reap(backend, file))) removed += 1;
    else if (outcome !== "gone") isEmpty = false;
  }
  for (const child of await childrenOf(backend, place)) {
    const below = await sweepNamespace(backend, child);
    removed += below.removed;
    isEmpty &&= below.isEmpty;
  }
  await run(backend.session.leaveNamespace(place)); // who only sweeps is no company for the others
  await run(moveLitter(backend, place));
  return { removed, isEmpty: isEmpty && (await run(prune(backend, place))) };
}

function* lookAt({ session, entries }: Backend, file: EntryFile): Io<"expired" | "gone" | "there"> {
  if (session.isClosed) throw new StoreError("KV_CLOSED", "the store was closed meanwhile.");
  try {
    const found = yield* entries.reader.identify(file);
    if (found === undefined) return "gone";
    return found.expiresAtMs <= entries.now() ? "expired" : "there";
  } catch (error) {
    // Damaged, or a directory in its place: whether it has expired is not known. It is left for those who read it.
    if (isStoreError(error)) return "there";
    throw error;
  }
}

/** Removes an entry if it has expired, still: under its lock nobody sets or renews it. */
async function reap({ order, changes, entries }: Backend, file: EntryFile): Promise<boolean> {
  try {
    return await order.onKey(file.place, file.hash, "change", (deadline) => {
      // Somebody who changes it just now is welcome to it.
      const impatient: Deadline = { untilMs: deadline.untilMs, impatient: true };
      return run(
        changes.change(file, impatient, function* (change) {
          const found = yield* entries.reader.identify(file);
          if (found === undefined || found.expiresAtMs > entries.now()) return false;
          yield* entries.remove(file, change);
          return true;
        }),
      );
    });
  } catch (error) {
    if (isStoreError(error, "KV_TIMEOUT")) return false;
    throw error;
  }
}

/** Fences the owners whose processes have ended, or that nobody has heard of for long. */
async function fenceEnded({ session, locks }: Backend): Promise<void> {
  const { now, later } = session.around.disk;
  for (const name of await run(listed(later, session.layout.owners))) {
    const isShut = name.endsWith(shutSuffix);
    const id = isShut ? name.slice(0, -shutSuffix.length) : name;
    if (!canBeIdentity(id)) continue;
    if (isShut || yieldsTo(await run(lastHeardMs(id)))) await run(locks.fence(id, undefined));
  }

  function* lastHeardMs(id: string): Io<number> {
    const life = session.around.lifeOf(id);
    if (life === "ended") return Number.NEGATIVE_INFINITY;
    if (life === "alive") return Number.POSITIVE_INFINITY;
    try {
      // Where there is none, it is about to begin, or to end.
      const status = yield* answered(now.statAt(`${session.layout.owners}/${id}/id`));
      return status?.mtimeMs ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      if (isErrno(error, "ENOTDIR")) return Number.POSITIVE_INFINITY; // a foreign file
      throw error;
    }
  }

  function yieldsTo(heardMs: number): boolean {
    return heardMs < session.around.now() - forgottenMs;
  }
}

/** The locks whose holders have been fenced. */
async function locksLeft({ session, locks }: Backend): Promise<[lock: string, holder: string][]> {
  const left: [lock: string, holder: string][] = [];
  for (const name of await run(listed(session.around.disk.later, session.layout.locks))) {
    if (!lockPattern.test(name)) continue;
    const lock = `${session.layout.locks}/${name}`;
    const holder = await run(holderOf(lock));
    if (holder !== undefined && !(await run(session.hasDirectory(holder.id)))) left.push([lock, holder.id]);
  }
  return left;

  function* holderOf(lock: string): Io<Holder | undefined> {
    try {
      return yield* locks.holder(lock);
    } catch (error) {
      if (isStoreError(error)) return undefined; // no lock, and left for those who need one there
      throw error;
    }
  }
}

async function breakLeft({ session, locks, order }: Backend, lock: string, holder: string): Promise<void> {
  await order.turns.next(() => undefined);
  try {
    const owner = await run(session.owner());
    await run(locks.breakLock(owner, lock, holder, undefined, { untilMs: 0, impatient: true }));
  } catch (error) {
    if (!isStoreError(error, "KV_TIMEOUT") && !isMissing(error)) throw error;
  }
}

/** The directories of owners that have been fenced. An owner's own directory is made before those in namespaces. */
function* moveLitter({ session }: Backend, place: Place): Io<void> {
  const { now } = session.around.disk;
  const all = `${place.directory}/${ownersName}`;
  for (const name of yield* listed(now, all)) {
    const owner = ownerOf(name);
    if (owner === undefined || (yield* session.hasDirectory(owner))) continue;
    yield* shut(now, `${all}/${name}`);
  }
}

/**
 * Removes the directories of a namespace that holds nothing. Each is removed only if it is empty, those of owners
 * first: whoever changes something in the namespace now has one in there, or makes one, and then all that is missing.
 * While an owner has one, folders stay: it may know of them that they outlast a power cut.
 */
function* prune({ session }: Backend, place: Place): Io<boolean> {
  const { now } = session.around.disk;
  if (place.directory === session.layout.data) return false;
  const owners = `${place.directory}/${ownersName}`;
  if (!(yield* removeIfEmpty(now, owners)) && (yield* listed(now, owners)).length > 0) return false;
  const all = `${place.directory}/${entriesName}`;
  for (const folder of yield* listed(now, all)) {
    if (!(yield* removeIfEmpty(now, `${all}/${folder}`))) return false;
  }
  yield* removeIfEmpty(now, all);
  yield* removeIfEmpty(now, `${place.directory}/${childrenName}`);
  return yield* removeIfEmpty(now, place.directory);
}
