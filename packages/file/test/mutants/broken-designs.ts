import { statSync, utimesSync } from "node:fs";
import type { FullDriverNamespace } from "@kv/core/driver";
import { discard, listDirectory, makeDirectories } from "../../src/disk/file-operations.ts";
import { type Gensync, run, wait } from "../../src/disk/gensync.ts";
import type { FileContext } from "../../src/entries/context.ts";
import { isErrno } from "../../src/errors/errors.ts";
import { entryFile, entryKey, type NamespaceLocation } from "../../src/format/layout.ts";
import { entryFiles } from "../../src/maintenance/listing.ts";
import type { KeyLocks } from "../../src/ownership/key-locks.ts";
import { FileNamespace } from "../../src/store/file-namespace.ts";
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
    namespace: (context, location) => ({ set: withoutLocks(context, location).set }),
  },

  "increment reads and renames without a lock": {
    namespace: (context, location) => ({ increment: withoutLocks(context, location).increment }),
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
    namespace: (context, location) => ({ touch: withoutLocks(context, location).touch }),
  },

  "the expiry is the file's mtime": {
    namespace: (_context, location, ours) => ({
      async set(key, value, expiry) {
        await ours.set(key, value, Number.POSITIVE_INFINITY);
        if (typeof expiry === "number" && expiry !== Number.POSITIVE_INFINITY) {
          const end = new Date(Date.now() + expiry);
          utimesSync(entryKey(location, key).path, end, end);
        }
      },
      async get(key) {
        const value = await ours.get(key);
        return value === undefined || statSync(entryKey(location, key).path).mtimeMs <= Date.now()
          ? undefined
          : value;
      },
    }),
  },

  "what has expired is unlinked after a look": {
    namespace: (context, location) => ({
      deleteExpired: () =>
        removedWhere(context, location, function* (path) {
          yield* wait(context.directory.disk.inline.unlink(path));
          return true;
        }),
    }),
  },

  "what has expired is renamed aside, looked at again and linked back": {
    namespace: (context, location) => ({
      deleteExpired: () =>
        removedWhere(context, location, function* (path, hash) {
          const { inline } = context.directory.disk;
          const aside = `${path}.aside`;
          yield* wait(inline.rename(path, aside));
          const found = yield* context.reader.readHeader({ ...entryFile(location, hash), path: aside });
          const isLive = found !== undefined && found.expiresAtMs > context.now();
          if (isLive) yield* linkedBack(context, aside, path);
          yield* wait(inline.unlink(aside));
          return !isLive;
        }),
    }),
  },

  "deleteAll removes the tree where it is": {
    namespace: (context, location) => ({
      deleteAll: () => run(treeRemoved(context, location.directory)) as Promise<void>,
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
        yield* discard(directory.disk.inline, lock);
        owner.heldLocks.delete(lock);
      };
    },
  },

  "an owner's directory is made again under the same name": {
    context({ directory }) {
      const { newOwnerId } = directory.environment;
      let ownerId: string | undefined;
      Object.assign(directory.environment, {
        newOwnerId(home: Parameters<typeof newOwnerId>[0]) {
          ownerId ??= newOwnerId(home);
          return ownerId;
        },
      });
    },
  },

  "whoever finds a dead owner's lock removes it": {
    context({ locks, owners, directory }) {
      locks.removeStale = function* (owner, lock, holder) {
        yield* owners.fence(holder);
        if ((yield* locks.holder(lock)) === holder) {
          yield* wait(directory.disk.inline.rename(lock, owner.newPath()));
        }
      };
    },
  },

  "a change is put in its place whoever has made the namespace since": {
    context({ directory, generations }) {
      generations.current = function* ({ directory: path }) {
        yield* makeDirectories(directory.disk.inline, `${path}/d`);
        return `${path}/d`;
      };
    },
  },

  "a lock is that of a live process before it is that of a fenced owner": {
    context({ owners, directory }) {
      const hasGone = owners.isDead.bind(owners);
      owners.isDead = function* (owner, id, patienceMs) {
        return directory.environment.livenessOf(id) !== "alive" && (yield* hasGone(owner, id, patienceMs));
      };
    },
  },

  "a copied lock is as good as the one it was copied from": {
    context({ owners, directory }) {
      owners.isDead = function* (_owner, id) {
        return !(yield* owners.hasDirectory(id)) || directory.environment.livenessOf(id) === "ended";
      };
    },
  },
};

/** Our operations, with a lock that nobody takes. */
function withoutLocks(
  context: FileContext,
  location: NamespaceLocation,
): Pick<FullDriverNamespace, "set" | "increment" | "touch"> {
  const locks = Object.assign(Object.create(context.locks) as KeyLocks, {
    *acquire(): Gensync<boolean> {
      yield* [];
      return false;
    },
    *release(): Gensync<void> {},
    path: () => "none",
  });
  const namespace = new FileNamespace({ ...context, locks }, location);
  return {
    set: (key, value, expiry) => namespace.set(key, value, expiry),
    increment: (key, by, expiresInMs) => namespace.increment(key, by, expiresInMs),
    touch: (key, renewForMs) => namespace.touch(key, renewForMs),
  };
}

async function removedWhere(
  context: FileContext,
  location: NamespaceLocation,
  remove: (path: string, hash: string) => Gensync<boolean>,
): Promise<number> {
  let removed = 0;
  for await (const file of entryFiles(context, location)) {
    const found = await run(context.reader.readHeader(file));
    if (found === undefined || found.expiresAtMs > context.now()) continue;
    if (await run(remove(file.path, file.hash))) removed += 1;
  }
  return removed;
}

function* linkedBack(context: FileContext, aside: string, path: string): Gensync<void> {
  try {
    yield* wait(context.directory.disk.inline.link(aside, path));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

function* treeRemoved(context: FileContext, directory: string): Gensync<void> {
  const { inline } = context.directory.disk;
  for (const name of yield* listDirectory(inline, directory)) {
    const path = `${directory}/${name}`;
    if ((yield* wait(inline.statAt(path)))?.isDirectory() === true) yield* treeRemoved(context, path);
    else yield* wait(inline.unlink(path));
  }
  yield* wait(inline.removeDirectory(directory));
}
