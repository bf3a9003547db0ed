import { isStoreError } from "@kv/core";
import {
  type Answer,
  addToInteger,
  bytesOf,
  type DriverValue,
  type Expiry,
  type FullDriverNamespace,
  sameBytes,
} from "@kv/core/driver";
import type { Backend } from "./backend.ts";
import type { Change } from "./changes.ts";
import type { Found, Wanted } from "./entry-reader.ts";
import { type Io, run } from "./io.ts";
import { type EntryKey, entryKey, type Place } from "./layout.ts";
import { listKeys, listNamespaces } from "./listing.ts";
import type { Deadline } from "./locks.ts";

const never = Number.POSITIVE_INFINITY;

/** The operations on one namespace. */
export function fileNamespace(backend: Backend, place: Place): FullDriverNamespace {
  const { session, entries, changes, order } = backend;

  /** The entry if it is live, and when it was looked for. */
  function look<T>(
    key: string,
    wanted: Wanted,
    meaning: (found: Found | undefined, nowMs: number) => T,
  ): Answer<T> {
    const at = entryKey(place, key);
    return order.onKey(place, at.hash, "read", (deadline) => {
      const nowMs = entries.now();
      const found = session.isOpen ? entries.liveAtOnce(at, nowMs) : "later";
      if (found !== "later") return meaning(found, nowMs);
      return after(run(opened(entries.liveLater(at, nowMs, wanted, deadline))), (later) =>
        meaning(later, nowMs),
      );
    });
  }

  function alter<T>(key: string, work: (key: EntryKey, deadline: Deadline) => Io<T>): Answer<T> {
    const at = entryKey(place, key);
    backend.sweeper?.start();
    return order.onKey(place, at.hash, "change", (deadline) => run(opened(work(at, deadline))));
  }

  function* opened<T>(work: Io<T>): Io<T> {
    if (!session.isOpen) yield* session.open();
    return yield* work;
  }

  function get(key: string): Answer<Uint8Array | undefined> {
    return look(key, "value", (found) => found?.value);
  }

  function set(key: string, lent: DriverValue, expiry: Expiry): Answer<void> {
    const value = copied(lent);
    return alter(key, (at, deadline) => {
      const expiresAtMs = expiry === "keep" ? never : entries.endOf(expiry);
      return changes.change(
        at,
        deadline,
        function* (change) {
          if (expiry === "keep") yield* keepExpiry(change, yield* liveOrDamaged(at, deadline));
          yield* entries.commit(at, change);
        },
        (change) => entries.stage(at, change, value, expiresAtMs, deadline),
      );
    });
  }

  /** `set` heals a damaged entry, whose expiry nobody knows. */
  function* liveOrDamaged(at: EntryKey, deadline: Deadline): Io<Found | undefined> {
    try {
      return yield* entries.live(at, "expiry", deadline);
    } catch (error) {
      if (isStoreError(error, "KV_CORRUPT")) return undefined;
      throw error;
    }
  }

  function* keepExpiry(change: Change, found: Found | undefined): Io<void> {
    if (found !== undefined && found.expiresAtMs !== never) yield* entries.restage(change, found.expiresAtMs);
  }

  /** Renews, if there is anything to renew. */
  function renew(key: string, renewForMs: number, wanted: Wanted): Answer<Found | undefined> {
    return alter(key, function* (at, deadline) {
      const found = yield* entries.live(at, wanted, deadline);
      if (found === undefined || found.expiresAtMs === never) return found;
      return yield* changes.changeInPlace(at, deadline, () =>
        entries.renew(at, renewForMs, wanted, deadline),
      );
    });
  }

  function remove(key: string): Answer<boolean> {
    return alter(key, function* (at, deadline) {
      if ((yield* stateOf(at, deadline)) === "missing") return false;
      return yield* changes.change(at, deadline, function* (change) {
        const state = yield* stateOf(at, deadline);
        if (state !== "missing") yield* entries.remove(at, change);
        return state === "live" || state === "damaged";
      });
    });
  }

  function* stateOf(at: EntryKey, deadline: Deadline): Io<"missing" | "expired" | "live" | "damaged"> {
    const nowMs = entries.now();
    try {
      const found = yield* entries.reader.read(at, "expiry", deadline);
      if (found === undefined) return "missing";
      return found.expiresAtMs <= nowMs ? "expired" : "live";
    } catch (error) {
      if (isStoreError(error, "KV_CORRUPT")) return "damaged";
      throw error;
    }
  }

  return {
    get,

    getAndRenew(key, renewForMs) {
      return after(renew(key, renewForMs, "value"), (found) => found?.value);
    },

    set,

    touch(key, renewForMs) {
      return after(renew(key, renewForMs, "expiry"), (found) => found !== undefined);
    },

    delete: remove,

    exists: (key) => look(key, "expiry", (found) => found !== undefined),

    expiresInMs: (key) =>
      look(key, "expiry", (found, nowMs) => (found === undefined ? undefined : found.expiresAtMs - nowMs)),

    deleteAll: () => backend.deleteAll(place),

    getMany: (keys) => inTurn(keys, get),

    setMany(all, expiry) {
      const answers = inTurn(all, ([key, value]) => set(key, value, expiry));
      return after(answers, () => undefined);
    },

    deleteMany: (keys) => after(inTurn(keys, remove), (deleted) => deleted.filter(Boolean).length),

    increment: (key, by, expiresInMs) =>
      alter(key, (at, deadline) =>
        changes.change(at, deadline, function* (change) {
          const nowMs = entries.now();
          const found = yield* entries.live(at, "value", deadline);
          const value = addToInteger(found?.value, by);
          const expiresAtMs = found === undefined ? entries.endOf(expiresInMs) : found.expiresAtMs;
          yield* entries.stage(at, change, String(value), expiresAtMs, deadline);
          yield* entries.commit(at, change);
          return { value, expiresInMs: found === undefined ? expiresInMs : expiresAtMs - nowMs };
        }),
      ),

    setIfAbsent(key, lent, expiresInMs) {
      const value = copied(lent);
      return alter(key, function* (at, deadline) {
        if ((yield* entries.live(at, "expiry", deadline)) !== undefined) return false;
        return yield* changes.change(
          at,
          deadline,
          function* (change) {
            if ((yield* entries.live(at, "expiry", deadline)) !== undefined) return false;
            yield* entries.commit(at, change);
            return true;
          },
          (change) => entries.stage(at, change, value, entries.endOf(expiresInMs), deadline),
        );
      });
    },

    compareAndSet(key, lentExpected, lent, expiry) {
      const expected = copied(lentExpected);
      const value = copied(lent);
      return alter(key, function* (at, deadline) {
        if ((yield* matching(at, expected, deadline)) === undefined) return false;
        const expiresAtMs = expiry === "keep" ? never : entries.endOf(expiry);
        return yield* changes.change(
          at,
          deadline,
          function* (change) {
            const found = yield* matching(at, expected, deadline);
            if (found === undefined) return false;
            if (expiry === "keep") yield* keepExpiry(change, found);
            yield* entries.commit(at, change);
            return true;
          },
          (change) => entries.stage(at, change, value, expiresAtMs, deadline),
        );
      });
    },

    compareAndDelete(key, lentExpected) {
      const expected = copied(lentExpected);
      return alter(key, function* (at, deadline) {
        if ((yield* matching(at, expected, deadline)) === undefined) return false;
        return yield* changes.change(at, deadline, function* (change) {
          if ((yield* matching(at, expected, deadline)) === undefined) return false;
          yield* entries.remove(at, change);
          return true;
        });
      });
    },

    take: (key) =>
      alter(key, function* (at, deadline) {
        if ((yield* entries.live(at, "expiry", deadline)) === undefined) return undefined;
        return yield* changes.change(at, deadline, function* (change) {
          const found = yield* entries.live(at, "value", deadline);
          if (found !== undefined) yield* entries.remove(at, change);
          return found?.value;
        });
      }),

    keys: () => listKeys(backend, place),
    namespaces: () => listNamespaces(backend, place),
    deleteExpired: () => backend.deleteExpired(place),
  };

  function* matching(at: EntryKey, expected: DriverValue, deadline: Deadline): Io<Found | undefined> {
    const found = yield* entries.live(at, "value", deadline);
    return found !== undefined && sameBytes(found.value, bytesOf(expected)) ? found : undefined;
  }
}

/** Work may have to wait, and the caller may change the bytes meanwhile (S3). */
function copied(value: DriverValue): DriverValue {
  return typeof value === "string" ? value : new Uint8Array(value);
}

function after<T, R>(answer: Answer<T>, then: (value: T) => R): Answer<R> {
  return answer instanceof Promise ? answer.then(then) : then(answer);
}

/** The calls of a batch, each begun in its place, also where one before it failed; the first failure is told at the end. */
function inTurn<K, T>(items: Iterable<K>, call: (item: K) => Answer<T>): Answer<T[]> {
  const answers: Answer<T>[] = [];
  let waits = false;
  for (const item of items) {
    const answer = begun(item, call);
    waits ||= answer instanceof Promise;
    answers.push(answer);
  }
  return waits ? allSettled(answers) : (answers as T[]);
}

function begun<K, T>(item: K, call: (item: K) => Answer<T>): Answer<T> {
  try {
    return call(item);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function allSettled<T>(answers: readonly Answer<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(answers);
  return settled.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}
