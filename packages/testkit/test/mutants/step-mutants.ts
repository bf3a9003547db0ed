import { bytesOf, type DriverValue, sameBytes, utf8 } from "@kv/core/driver";
import type { RuleId } from "@kv/testkit";
import type { ReferenceData } from "../reference-driver.ts";
import { driverMutant, type Mutant, slowMutant, sync, turn } from "./mutant.ts";

const none = Number.POSITIVE_INFINITY;

type Path = readonly string[];

/** Gives an expiry to whatever is there, as EXPIRE of the protocol does. */
function expire(data: ReferenceData, path: Path, key: string, ms: number): void {
  const entry = data.find(path, key);
  if (entry !== undefined) entry.expiresAtMs = data.nowMs + ms;
}

/** The entries of a path, those that have expired too. */
function raw(data: ReferenceData, path: Path, key: string) {
  return data.entries(path).get(key);
}

/** Where an expired entry is found again, by a method that does not ask for its expiry. */
function revives(
  flaw: string,
  method: "compareAndSet" | "compareAndDelete" | "deleteMany" | "setMany" | "getAndRenew",
): Mutant {
  return driverMutant("T1", flaw, ({ namespace, data, path }) => {
    const revived = (key: string): void => {
      const entry = raw(data, path, key);
      if (entry !== undefined && entry.expiresAtMs <= data.nowMs) entry.expiresAtMs = data.nowMs + 1;
    };
    const methods = {
      compareAndSet: (key, expected, value, expiry) => {
        revived(key);
        return namespace.compareAndSet(key, expected, value, expiry);
      },
      compareAndDelete: (key, expected) => {
        revived(key);
        return namespace.compareAndDelete(key, expected);
      },
      deleteMany: (keys) => {
        for (const key of keys) revived(key);
        return namespace.deleteMany(keys);
      },
      setMany: (entries, expiry) => {
        if (expiry === "keep") for (const key of entries.keys()) revived(key);
        return namespace.setMany(entries, expiry);
      },
      getAndRenew: (key, ms) => {
        revived(key);
        return namespace.getAndRenew(key, ms);
      },
    } satisfies Partial<typeof namespace>;
    return { [method]: methods[method] };
  });
}

/** A method of two steps, with a turn of the event loop for others between them. */
const twoSteps: readonly Mutant[] = [
  slowMutant(
    "A1",
    "increment creates the entry, and gives it its expiry a turn later",
    ({ namespace, data, path }) => ({
      async increment(key, by, ms) {
        const isNew = !sync(namespace.exists(key));
        const counted = sync(namespace.increment(key, by, none));
        if (!isNew || ms === none) return counted;
        await turn();
        expire(data, path, key, ms);
        return { ...counted, expiresInMs: ms };
      },
    }),
  ),
  slowMutant(
    "A1",
    "increment tells the time left a turn later, of whatever is there then",
    ({ namespace }) => ({
      async increment(key, by, ms) {
        const counted = sync(namespace.increment(key, by, ms));
        await turn();
        return { ...counted, expiresInMs: sync(namespace.expiresInMs(key)) ?? 0 };
      },
    }),
  ),
  slowMutant("A2", "setIfAbsent writes, and gives the expiry a turn later", ({ namespace, data, path }) => ({
    async setIfAbsent(key, value, ms) {
      const wrote = sync(namespace.setIfAbsent(key, value, none));
      if (!wrote || ms === none) return wrote;
      await turn();
      expire(data, path, key, ms);
      return true;
    },
  })),
  slowMutant(
    "A3",
    "compareAndSet writes, and gives the expiry a turn later",
    ({ namespace, data, path }) => ({
      async compareAndSet(key, expected, value, expiry) {
        if (expiry === "keep" || expiry === none)
          return namespace.compareAndSet(key, expected, value, expiry);
        const wrote = sync(namespace.compareAndSet(key, expected, value, none));
        if (!wrote) return false;
        await turn();
        expire(data, path, key, expiry);
        return true;
      },
    }),
  ),
  slowMutant("A3", "compareAndDelete compares, and deletes a turn later", ({ namespace }) => ({
    async compareAndDelete(key, expected) {
      const found = sync(namespace.get(key));
      if (found === undefined || !sameBytes(found, bytesOf(expected))) return false;
      await turn();
      return namespace.delete(key);
    },
  })),
  slowMutant(
    "A3",
    "compareAndSet with keepExpiry gives back the expiry that it read a turn ago",
    ({ namespace }) => ({
      async compareAndSet(key, expected, value, expiry) {
        const leftMs = sync(namespace.expiresInMs(key));
        if (expiry !== "keep" || leftMs === undefined)
          return namespace.compareAndSet(key, expected, value, expiry);
        await turn();
        return namespace.compareAndSet(key, expected, value, leftMs);
      },
    }),
  ),
  slowMutant(
    "A2",
    "setIfAbsent that finds nothing writes a turn later, whatever is there then",
    ({ namespace }) => ({
      async setIfAbsent(key, value, ms) {
        if (sync(namespace.exists(key))) return false;
        await turn();
        await namespace.set(key, value, ms);
        return true;
      },
    }),
  ),
  slowMutant(
    "A1",
    "increment reads, and writes a turn later with the time that was left",
    ({ namespace }) => ({
      async increment(key, by, ms) {
        const leftMs = sync(namespace.expiresInMs(key)) ?? ms;
        const before = sync(namespace.get(key))?.slice();
        const { value } = sync(namespace.increment(key, by, ms));
        if (before === undefined) sync(namespace.delete(key));
        else sync(namespace.set(key, before, "keep"));
        await turn();
        await namespace.set(key, utf8(String(value)), leftMs);
        return { value, expiresInMs: leftMs };
      },
    }),
  ),
  slowMutant("A4", "take reads and empties the entry, and removes it a turn later", ({ namespace }) => ({
    async take(key) {
      const found = sync(namespace.get(key));
      if (found === undefined) return undefined;
      await namespace.set(key, "", "keep");
      await turn();
      await namespace.delete(key);
      return found;
    },
  })),
  slowMutant(
    "T2",
    "set writes, and gives the expiry a turn later to whatever is there",
    ({ namespace, data, path }) => ({
      async set(key, value, expiry) {
        if (expiry === "keep" || expiry === none) return namespace.set(key, value, expiry);
        await namespace.set(key, value, none);
        await turn();
        expire(data, path, key, expiry);
      },
    }),
  ),
  slowMutant(
    "T2",
    "setMany writes, and gives the expiry a turn later to whatever is there",
    ({ namespace, data, path }) => ({
      async setMany(entries: ReadonlyMap<string, DriverValue>, expiry) {
        if (expiry === "keep" || expiry === none) return namespace.setMany(entries, expiry);
        await namespace.setMany(entries, none);
        await turn();
        for (const key of entries.keys()) expire(data, path, key, expiry);
      },
    }),
  ),
  slowMutant("T2", "keepExpiry gives back the expiry that it read a turn ago", ({ namespace }) => ({
    async set(key, value, expiry) {
      const leftMs = expiry === "keep" ? sync(namespace.expiresInMs(key)) : undefined;
      if (leftMs === undefined) return namespace.set(key, value, expiry);
      await turn();
      return namespace.set(key, value, leftMs);
    },
  })),
  slowMutant(
    "T3",
    "touch looks for an expiry, and a turn later gives one to whatever is there",
    ({ namespace, data, path }) => ({
      async touch(key, ms) {
        const leftMs = sync(namespace.expiresInMs(key));
        if (leftMs === undefined || leftMs === none) return leftMs !== undefined;
        await turn();
        expire(data, path, key, ms);
        return true;
      },
    }),
  ),
  slowMutant(
    "T3",
    "get with renewFor reads, and a turn later gives an expiry to whatever is there",
    ({ namespace, data, path }) => ({
      async getAndRenew(key, ms) {
        const found = sync(namespace.get(key))?.slice();
        if (found === undefined || sync(namespace.expiresInMs(key)) === none) return found;
        await turn();
        expire(data, path, key, ms);
        return found;
      },
    }),
  ),
  slowMutant(
    "T3",
    "touch reads the value, and a turn later writes it back with the new expiry",
    ({ namespace }) => ({
      async touch(key, ms) {
        const leftMs = sync(namespace.expiresInMs(key));
        if (leftMs === undefined || leftMs === none) return leftMs !== undefined;
        const found = sync(namespace.get(key))?.slice();
        await turn();
        if (found !== undefined && sync(namespace.exists(key))) await namespace.set(key, found, ms);
        return true;
      },
    }),
  ),
];

/** An index of when entries expire, by which `deleteExpired` goes, and which some methods do not keep up. */
function staleIndex(
  flaw: string,
  forgets: "touch" | "getAndRenew" | "set" | "setMany" | "compareAndSet",
): Mutant {
  return driverMutant("T6", flaw, ({ namespace, data, path }) => {
    const index = indexOf(data);
    const id = (key: string): string => JSON.stringify([path, key]);
    const noteDown = (key: string): void => {
      const expiresAtMs = data.find(path, key)?.expiresAtMs ?? none;
      index.set(id(key), { path, key, expiresAtMs });
    };
    const keep = <T>(method: string, answer: T, keys: Iterable<string>): T => {
      const isKept = (key: string): boolean => method !== forgets || !index.has(id(key));
      for (const key of keys) if (isKept(key)) noteDown(key);
      return answer;
    };
    return {
      set: (key, value, expiry) => keep("set", namespace.set(key, value, expiry), [key]),
      setMany: (entries, expiry) => keep("setMany", namespace.setMany(entries, expiry), entries.keys()),
      setIfAbsent: (key, value, ms) => keep("setIfAbsent", namespace.setIfAbsent(key, value, ms), [key]),
      increment: (key, by, ms) => keep("increment", namespace.increment(key, by, ms), [key]),
      compareAndSet: (key, expected, value, expiry) =>
        keep("compareAndSet", namespace.compareAndSet(key, expected, value, expiry), [key]),
      touch: (key, ms) => keep("touch", namespace.touch(key, ms), [key]),
      getAndRenew: (key, ms) => keep("getAndRenew", namespace.getAndRenew(key, ms), [key]),
      delete: (key) => keep("delete", namespace.delete(key), [key]),
      deleteExpired() {
        data.entries(path);
        let removed = 0;
        for (const [there, entry] of index) {
          if (entry.expiresAtMs > data.nowMs || !path.every((name, at) => entry.path[at] === name)) continue;
          index.delete(there);
          if (data.entries(entry.path).delete(entry.key)) removed += 1;
        }
        return removed;
      },
    };
  });
}

type Index = Map<string, { readonly path: Path; readonly key: string; readonly expiresAtMs: number }>;

const indexes = new WeakMap<ReferenceData, Index>();

function indexOf(data: ReferenceData): Index {
  const index = indexes.get(data) ?? new Map();
  indexes.set(data, index);
  return index;
}

/** A `deleteExpired` that goes over the subtree and removes what it takes for expired. */
function sweeps(
  flaw: string,
  isRemoved: (expiresAtMs: number, data: ReferenceData, damaged: boolean) => boolean,
): Mutant {
  return driverMutant("T6", flaw, ({ data, path }) => ({
    deleteExpired() {
      data.entries(path);
      let removed = 0;
      for (const below of data.pathsFrom(path))
        for (const [key, entry] of data.entries(below)) {
          if (!isRemoved(entry.expiresAtMs, data, entry.damaged === true)) continue;
          data.entries(below).delete(key);
          removed += 1;
        }
      return removed;
    },
  }));
}

const sweepMutants: readonly Mutant[] = [
  sweeps(
    "deleteExpired removes what expires within the next second too",
    (expiresAtMs, data) => expiresAtMs <= data.nowMs + 1_000,
  ),
  sweeps(
    "deleteExpired removes what expires within the next 20 ms too",
    (expiresAtMs, data) => expiresAtMs <= data.nowMs + 20,
  ),
  sweeps(
    "deleteExpired goes by whole minutes, and removes what expires in this one",
    (expiresAtMs, data) => Math.floor(expiresAtMs / 60_000) * 60_000 <= data.nowMs && expiresAtMs !== none,
  ),
  sweeps(
    "deleteExpired removes damaged entries too",
    (expiresAtMs, data, damaged) => damaged || expiresAtMs <= data.nowMs,
  ),
  staleIndex("deleteExpired goes by an index that touch does not keep up", "touch"),
  staleIndex("deleteExpired goes by an index that get with renewFor does not keep up", "getAndRenew"),
  staleIndex("deleteExpired goes by an index that a later set does not keep up", "set"),
  staleIndex("deleteExpired goes by an index that setMany does not keep up", "setMany"),
  staleIndex("deleteExpired goes by an index that compareAndSet does not keep up", "compareAndSet"),
];

const beganMs = { wall: Date.now(), monotonic: performance.now() };

/** By how much the wall clock has jumped. */
function jumpMs(): number {
  const jump = Date.now() - beganMs.wall - (performance.now() - beganMs.monotonic);
  return Math.abs(jump) < 1_000 ? 0 : jump;
}

const wallClockMutants: readonly Mutant[] = [
  driverMutant("T7", "deleteExpired goes by the wall clock", ({ data, path }) => ({
    deleteExpired() {
      data.entries(path);
      let removed = 0;
      for (const below of data.pathsFrom(path))
        for (const [key, entry] of data.entries(below)) {
          if (entry.expiresAtMs > data.nowMs + jumpMs()) continue;
          data.entries(below).delete(key);
          removed += 1;
        }
      return removed;
    },
  })),
  driverMutant("T7", "the time left is told by the wall clock", ({ namespace }) => ({
    expiresInMs(key) {
      const leftMs = sync(namespace.expiresInMs(key));
      return leftMs === undefined ? undefined : Math.max(0, leftMs - jumpMs());
    },
  })),
  driverMutant("T7", "keys lists what is there by the wall clock", ({ data, path }) => ({
    async *keys() {
      yield data
        .keys(path)
        .filter((key) => (raw(data, path, key)?.expiresAtMs ?? none) > data.nowMs + jumpMs());
    },
  })),
  driverMutant("T7", "getMany finds what is there by the wall clock", ({ namespace, data, path }) => ({
    getMany: (keys) =>
      sync(namespace.getMany(keys)).map((found, at) =>
        (raw(data, path, keys[at] ?? "")?.expiresAtMs ?? none) > data.nowMs + jumpMs() ? found : undefined,
      ),
  })),
  driverMutant("T7", "setIfAbsent goes by the wall clock", ({ namespace, data, path }) => ({
    setIfAbsent(key, value, ms) {
      const expiresAtMs = data.find(path, key)?.expiresAtMs ?? none;
      if (expiresAtMs <= data.nowMs + jumpMs()) sync(namespace.delete(key));
      return namespace.setIfAbsent(key, value, ms);
    },
  })),
  driverMutant("T7", "increment begins a new window by the wall clock", ({ namespace, data, path }) => ({
    increment(key, by, ms) {
      const expiresAtMs = data.find(path, key)?.expiresAtMs ?? none;
      if (expiresAtMs <= data.nowMs + jumpMs()) sync(namespace.delete(key));
      return namespace.increment(key, by, ms);
    },
  })),
  driverMutant("T7", "touch moves an expiry to a moment of the wall clock", ({ namespace }) => ({
    touch: (key, ms) => namespace.touch(key, Math.max(1, ms + jumpMs())),
  })),
];

/** What begins a turn later than it was called, and so takes effect among calls that were made later. */
function late(
  flaw: string,
  method:
    | "exists"
    | "expiresInMs"
    | "touch"
    | "getAndRenew"
    | "getMany"
    | "deleteMany"
    | "increment"
    | "setIfAbsent"
    | "compareAndSet"
    | "compareAndDelete"
    | "delete",
): Mutant {
  const rule: RuleId = "S6";
  return driverMutant(rule, flaw, ({ namespace }) => {
    const call = namespace[method] as (...args: readonly unknown[]) => unknown;
    return {
      [method]: async (...args: readonly unknown[]) => {
        await turn();
        return call(...args);
      },
    };
  });
}

const orderMutants: readonly Mutant[] = [
  late("exists waits for a turn", "exists"),
  late("expiresIn waits for a turn", "expiresInMs"),
  late("touch waits for a turn", "touch"),
  late("get with renewFor waits for a turn", "getAndRenew"),
  late("getMany waits for a turn", "getMany"),
  late("delete waits for a turn", "delete"),
  late("deleteMany waits for a turn", "deleteMany"),
  late("increment waits for a turn", "increment"),
  late("setIfAbsent waits for a turn", "setIfAbsent"),
  late("compareAndSet waits for a turn", "compareAndSet"),
  late("compareAndDelete waits for a turn", "compareAndDelete"),
  driverMutant("S6", "deleteAll empties the children a turn later", ({ data, path }) => ({
    async deleteAll() {
      data.entries(path).clear();
      await turn();
      for (const below of data.pathsFrom(path)) if (below.length > path.length) data.entries(below).clear();
    },
  })),
  driverMutant(
    "S6",
    "setMany writes a hundred entries, and the next hundred a turn later",
    ({ namespace }) => ({
      async setMany(entries, expiry) {
        const all = [...entries];
        await namespace.setMany(new Map(all.slice(0, 100)), expiry);
        for (let at = 100; at < all.length; at += 100) {
          await turn();
          await namespace.setMany(new Map(all.slice(at, at + 100)), expiry);
        }
      },
    }),
  ),
  driverMutant(
    "S6",
    "getMany reads a hundred entries, and the next hundred a turn later",
    ({ namespace }) => ({
      async getMany(keys) {
        const found = sync(namespace.getMany(keys.slice(0, 100))).map((value) => value?.slice());
        for (let at = 100; at < keys.length; at += 100) {
          await turn();
          found.push(...sync(namespace.getMany(keys.slice(at, at + 100))).map((value) => value?.slice()));
        }
        return found;
      },
    }),
  ),
];

export const stepMutants: readonly Mutant[] = [
  ...twoSteps,
  revives("compareAndSet finds what has expired", "compareAndSet"),
  revives("compareAndDelete finds what has expired", "compareAndDelete"),
  revives("deleteMany counts what has expired", "deleteMany"),
  revives("setMany with keepExpiry keeps an expiry that is over", "setMany"),
  revives("get with renewFor brings back what has expired", "getAndRenew"),
  ...sweepMutants,
  ...wallClockMutants,
  ...orderMutants,
];
