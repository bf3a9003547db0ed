import { statSync, utimesSync } from "node:fs";
import type { FullDriverNamespace } from "@kv/core/driver";
import type { FileContext } from "../../src/context.ts";
import { isErrno } from "../../src/errors.ts";
import { FileNamespace } from "../../src/file-namespace.ts";
import { discard, listed, makeDirectories } from "../../src/file-operations.ts";
import { type Gensync, run, wait } from "../../src/gensync.ts";
import { entryFile, entryKey, type Place } from "../../src/layout.ts";
import { entryFiles } from "../../src/listing.ts";
import type { Locks } from "../../src/locks.ts";
import type { Design } from "./mutated-store.ts";

export type Flaw =
  | "set renames its file over the entry without a lock"
  | "increment reads and renames without a lock"
  | "renewal is a read, then a set"
  | "renewal needs no lock"
  | "the expiry is the file's mtime"
  | "what has expired is unlinked after a look"
  | "what has expired is renamed aside, looked at again and linked back"
  | "deleteAll removes the tree where it is"
  | "the lock of an owner that looks dead is broken, and the owner is not fenced"
  | "an owner lets a lock go by unlinking it, whoever holds it"
  | "an owner's directory is made again under the same name"
  | "whoever finds a dead owner's lock removes it"
  | "a change is put in its place whoever has made the namespace since"
  | "a lock is that of a live process before it is that of a fenced owner"
  | "a copied lock is as good as the one it was copied from";

/** Designs that were tried, or suggest themselves, and that lose data. */
export const brokenDesigns: Readonly<Record<Flaw, Design>> = {
  "set renames its file over the entry without a lock": {
    namespace: (context, place) => ({ set: withoutLocks(context, place).set }),
  },

  "increment reads and renames without a lock": {
    namespace: (context, place) => ({ increment: withoutLocks(context, place).increment }),
  },

  "renewal is a read, then a set": {
    namespace: (_context, _place, ours) => ({
      async touch(key, renewForMs) {
        const value = await ours.get(key);
        if (value === undefined) return false;
        await ours.set(key, value, renewForMs);
        return true;
      },
    }),
  },

  "renewal needs no lock": {
    namespace: (context, place) => ({ touch: withoutLocks(context, place).touch }),
  },

  "the expiry is the file's mtime": {
    namespace: (_context, place, ours) => ({
      async set(key, value, expiry) {
        await ours.set(key, value, Number.POSITIVE_INFINITY);
        if (typeof expiry === "number" && expiry !== Number.POSITIVE_INFINITY) {
          const end = new Date(Date.now() + expiry);
          utimesSync(entryKey(place, key).path, end, end);
        }
      },
      async get(key) {
        const value = await ours.get(key);
        return value === undefined || statSync(entryKey(place, key).path).mtimeMs <= Date.now()
          ? undefined
          : value;
      },
    }),
  },

  "what has expired is unlinked after a look": {
    namespace: (context, place) => ({
      deleteExpired: () =>
        removedWhere(context, place, function* (path) {
          yield* wait(context.directory.disk.now.unlink(path));
          return true;
        }),
    }),
  },

  "what has expired is renamed aside, looked at again and linked back": {
    namespace: (context, place) => ({
      deleteExpired: () =>
        removedWhere(context, place, function* (path, hash) {
          const { now } = context.directory.disk;
          const aside = `${path}.aside`;
          yield* wait(now.rename(path, aside));
          const found = yield* context.files.identify({ ...entryFile(place, hash), path: aside });
          const isLive = found !== undefined && found.expiresAtMs > context.now();
          if (isLive) yield* linkedBack(context, aside, path);
          yield* wait(now.unlink(aside));
          return !isLive;
        }),
    }),
  },

  "deleteAll removes the tree where it is": {
    namespace: (context, place) => ({
      deleteAll: () => run(treeRemoved(context, place.directory)) as Promise<void>,
    }),
  },

  "the lock of an owner that looks dead is broken, and the owner is not fenced": {
    context(context) {
      context.owners.fence = function* () {};
    },
  },

  "an owner lets a lock go by unlinking it, whoever holds it": {
    context({ locks, directory }) {
      locks.release = function* (owner, lock) {
        yield* discard(directory.disk.now, lock);
        owner.held.delete(lock);
      };
    },
  },

  "an owner's directory is made again under the same name": {
    context({ directory }) {
      const { newIdentity } = directory.environment;
      let identity: string | undefined;
      Object.assign(directory.environment, {
        newIdentity(home: Parameters<typeof newIdentity>[0]) {
          identity ??= newIdentity(home);
          return identity;
        },
      });
    },
  },

  "whoever finds a dead owner's lock removes it": {
    context({ locks, owners, directory }) {
      locks.breakLock = function* (owner, lock, holder) {
        yield* owners.fence(holder);
        if ((yield* locks.holder(lock)) === holder) {
          yield* wait(directory.disk.now.rename(lock, owner.freshPath()));
        }
      };
    },
  },

  "a change is put in its place whoever has made the namespace since": {
    context({ directory }) {
      directory.generation = function* ({ directory: path }) {
        yield* makeDirectories(directory.disk.now, `${path}/d`);
        return `${path}/d`;
      };
    },
  },

  "a lock is that of a live process before it is that of a fenced owner": {
    context({ owners, directory }) {
      const hasGone = owners.hasGone.bind(owners);
      owners.hasGone = function* (owner, id, patienceMs) {
        return directory.environment.lifeOf(id) !== "alive" && (yield* hasGone(owner, id, patienceMs));
      };
    },
  },

  "a copied lock is as good as the one it was copied from": {
    context({ owners, directory }) {
      owners.hasGone = function* (_owner, id) {
        return !(yield* owners.hasDirectory(id)) || directory.environment.lifeOf(id) === "ended";
      };
    },
  },
};

/** Our operations, with a lock that nobody takes. */
function withoutLocks(
  context: FileContext,
  place: Place,
): Pick<FullDriverNamespace, "set" | "increment" | "touch"> {
  const locks = Object.assign(Object.create(context.locks) as Locks, {
    *take(): Gensync<boolean> {
      yield* [];
      return false;
    },
    *release(): Gensync<void> {},
    path: () => "none",
  });
  const namespace = new FileNamespace({ ...context, locks }, place);
  return {
    set: (key, value, expiry) => namespace.set(key, value, expiry),
    increment: (key, by, expiresInMs) => namespace.increment(key, by, expiresInMs),
    touch: (key, renewForMs) => namespace.touch(key, renewForMs),
  };
}

async function removedWhere(
  context: FileContext,
  place: Place,
  remove: (path: string, hash: string) => Gensync<boolean>,
): Promise<number> {
  let removed = 0;
  for await (const file of entryFiles(context, place)) {
    const found = await run(context.files.identify(file));
    if (found === undefined || found.expiresAtMs > context.now()) continue;
    if (await run(remove(file.path, file.hash))) removed += 1;
  }
  return removed;
}

function* linkedBack(context: FileContext, aside: string, path: string): Gensync<void> {
  try {
    yield* wait(context.directory.disk.now.link(aside, path));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

function* treeRemoved(context: FileContext, directory: string): Gensync<void> {
  const { now } = context.directory.disk;
  for (const name of yield* listed(now, directory)) {
    const path = `${directory}/${name}`;
    if ((yield* wait(now.statAt(path)))?.isDirectory() === true) yield* treeRemoved(context, path);
    else yield* wait(now.unlink(path));
  }
  yield* wait(now.removeDirectory(directory));
}
