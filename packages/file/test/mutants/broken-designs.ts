import { statSync, utimesSync } from "node:fs";
import type { FullDriverNamespace } from "@kv/core/driver";
import type { Backend } from "../../src/backend.ts";
import { Changes } from "../../src/changes.ts";
import { listed, makeDirectories, shut } from "../../src/directories.ts";
import { isErrno } from "../../src/errors.ts";
import { fileNamespace } from "../../src/file-namespace.ts";
import { answered, type Io, run } from "../../src/io.ts";
import { entryKey, ownersName, type Place } from "../../src/layout.ts";
import { entryFiles } from "../../src/listing.ts";
import type { Locks } from "../../src/locks.ts";
import type { OwnDirectory } from "../../src/own-directories.ts";
import type { Owner } from "../../src/owner.ts";
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
  | "whoever comes does not stop an owner that is alone"
  | "an owner looks for others before it can be seen itself"
  | "an owner that is alone renews without a lock"
  | "an owner that renews may be alone";

/** Designs that were tried, or suggest themselves, and that lose data. */
export const brokenDesigns: Readonly<Record<Flaw, Design>> = {
  "set renames its file over the entry without a lock": {
    namespace: (backend, place) => ({ set: withoutLocks(backend, place).set }),
  },

  "increment reads and renames without a lock": {
    namespace: (backend, place) => ({ increment: withoutLocks(backend, place).increment }),
  },

  "renewal is a read, then a set": {
    namespace: (_backend, _place, ours) => ({
      async touch(key, renewForMs) {
        const value = await ours.get(key);
        if (value === undefined) return false;
        await ours.set(key, value, renewForMs);
        return true;
      },
    }),
  },

  "renewal needs no lock": {
    namespace: (backend, place) => ({ touch: withoutLocks(backend, place).touch }),
  },

  "the expiry is the file's mtime": {
    namespace: (_backend, place, ours) => ({
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
    namespace: (backend, place) => ({
      deleteExpired: () =>
        removedWhere(backend, place, function* (path) {
          yield* answered(backend.session.around.disk.now.unlink(path));
          return true;
        }),
    }),
  },

  "what has expired is renamed aside, looked at again and linked back": {
    namespace: (backend, place) => ({
      deleteExpired: () =>
        removedWhere(backend, place, function* (path, hash) {
          const { now } = backend.session.around.disk;
          const aside = `${path}.aside`;
          yield* answered(now.rename(path, aside));
          const found = yield* backend.entries.reader.identify({ place, hash, path: aside });
          const isLive = found !== undefined && found.expiresAtMs > backend.entries.now();
          if (isLive) yield* linkedBack(backend, aside, path);
          yield* answered(now.unlink(aside));
          return !isLive;
        }),
    }),
  },

  "deleteAll removes the tree where it is": {
    namespace: (backend, place) => ({
      deleteAll: () => run(treeRemoved(backend, place.directory)) as Promise<void>,
    }),
  },

  "the lock of an owner that looks dead is broken, and the owner is not fenced": {
    backend(backend) {
      backend.locks.fence = function* () {};
    },
  },

  "an owner lets a lock go by unlinking it, whoever holds it": {
    backend(backend) {
      inOwners(backend, (owner) => {
        owner.takeAway = function* (lock) {
          yield* answered(backend.session.around.disk.now.unlink(lock));
        };
      });
    },
  },

  "an owner's directory is made again under the same name": {
    backend(backend) {
      inOwners(backend, (owner) => {
        owner.directories.done = function* () {};
        owner.directories.in = function* (place) {
          const path = `${place.directory}/${ownersName}/${owner.id}.same`;
          yield* makeDirectories(backend.session.around.disk.now, path);
          return { path, isAlone: false, users: 0, durable: new Set(), lookAgainMs: 0 };
        };
      });
    },
  },

  "whoever finds a dead owner's lock removes it": {
    backend(backend) {
      backend.locks.breakLock = function* (owner, lock, holder, place) {
        yield* backend.locks.fence(holder, place);
        const now = yield* backend.locks.holder(lock);
        if (now?.id === holder) yield* owner.takeAway(lock);
      };
    },
  },

  "whoever comes does not stop an owner that is alone": {
    backend: (backend) => inOwners(backend, (owner) => enterAs(backend, owner, { stops: false })),
  },

  "an owner looks for others before it can be seen itself": {
    backend: (backend) => inOwners(backend, (owner) => enterAs(backend, owner, { looksFirst: true })),
  },

  "an owner that is alone renews without a lock": {
    backend({ changes }) {
      changes.changeInPlace = (file, deadline, work) => changes.change(file, deadline, work);
    },
  },

  "an owner that renews may be alone": {
    backend({ changes, locks }) {
      changes.changeInPlace = (file, deadline, work) =>
        changes.change(file, deadline, function* ({ owner }) {
          const lock = locks.path(file.hash);
          yield* locks.take(owner, lock, file.place, deadline);
          try {
            return yield* work();
          } finally {
            yield* owner.release(lock);
          }
        });
    },
  },
};

/** How an owner comes into a namespace; ours is as here where nothing is said. */
interface Entering {
  readonly stops?: boolean;
  readonly looksFirst?: boolean;
}

function enterAs(
  { session }: Backend,
  { id, directories }: Owner,
  { stops = true, looksFirst = false }: Entering,
): void {
  const { now } = session.around.disk;
  const known = new Map<string, OwnDirectory>();
  let last = 0;

  function* othersIn(all: string): Io<string[]> {
    return (yield* listed(now, all)).filter((name) => !name.startsWith(id));
  }

  function* made(path: string, isAlone: boolean): Io<OwnDirectory> {
    yield* answered(now.makeDirectory(path));
    return { path, isAlone, users: 0, durable: new Set(), lookAgainMs: 0 };
  }

  function* entered(all: string): Io<OwnDirectory> {
    last += 1;
    const path = `${all}/${id}.${last}`;
    yield* makeDirectories(now, all);
    const before = yield* othersIn(all);
    const alone = yield* made(`${path}.alone`, true);
    const others = looksFirst ? before : yield* othersIn(all);
    if (others.length === 0) return alone;
    yield* answered(now.removeDirectory(alone.path));
    const company = yield* made(path, false);
    for (const other of yield* othersIn(all)) {
      if (stops && other.endsWith(".alone")) yield* shut(now, `${all}/${other}`);
    }
    return company;
  }

  directories.done = function* () {};
  directories.forget = ({ directory }) => void known.delete(directory);
  directories.in = function* ({ directory }) {
    const own = known.get(directory) ?? (yield* entered(`${directory}/${ownersName}`));
    known.set(directory, own);
    return own;
  };
}

/** Our operations, with a lock that nobody takes. */
function withoutLocks(backend: Backend, place: Place): FullDriverNamespace {
  const locks = Object.assign(Object.create(backend.locks) as Locks, {
    *take(): Io<void> {},
    path: () => `${backend.session.layout.locks}/none`,
  });
  const changes = new Changes(backend.session, locks, backend.entries);
  return fileNamespace(Object.assign(Object.create(backend) as Backend, { changes }), place);
}

async function removedWhere(
  backend: Backend,
  place: Place,
  remove: (path: string, hash: string) => Io<boolean>,
): Promise<number> {
  let removed = 0;
  for await (const file of entryFiles(backend, place)) {
    const found = await run(backend.entries.reader.identify(file));
    if (found === undefined || found.expiresAtMs > backend.entries.now()) continue;
    if (await run(remove(file.path, file.hash))) removed += 1;
  }
  return removed;
}

function* linkedBack(backend: Backend, aside: string, path: string): Io<void> {
  try {
    yield* answered(backend.session.around.disk.now.link(aside, path));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

function* treeRemoved(backend: Backend, directory: string): Io<void> {
  const { now } = backend.session.around.disk;
  for (const name of yield* listed(now, directory)) {
    const path = `${directory}/${name}`;
    if ((yield* answered(now.statAt(path)))?.isDirectory() === true) yield* treeRemoved(backend, path);
    else yield* answered(now.unlink(path));
  }
  yield* answered(now.removeDirectory(directory));
}

/** Changes every owner of a store when it begins. */
function inOwners(backend: Backend, change: (owner: Owner) => void): void {
  const { session } = backend;
  const changed = new WeakSet<Owner>();
  const ours = session.owner.bind(session);
  session.owner = function* () {
    const owner = yield* ours();
    if (!changed.has(owner)) change(owner);
    changed.add(owner);
    return owner;
  };
}
