import { setTimeout as delay } from "node:timers/promises";
import { isStoreError, StoreError, type StoreErrorCode } from "@kv/core";
import { inBackground, utf8 } from "@kv/core/driver";
import type { RuleId } from "@kv/testkit";
import {
  driverMutant,
  type Mutant,
  type StoreChange,
  slowMutant,
  storeMutant,
  sync,
  textOf,
} from "./mutant.ts";

const decimal = /^(0|-?[1-9]\d*)$/;

type Call = (...args: readonly unknown[]) => Promise<unknown>;
type Failing =
  | "get"
  | "getMany"
  | "setMany"
  | "touch"
  | "increment"
  | "compareAndSet"
  | "deleteMany"
  | "expiresIn"
  | "take";

/** A method whose errors come out differently. */
function tells(
  rule: RuleId,
  flaw: string,
  method: Failing,
  told: (error: StoreError, args: readonly unknown[]) => unknown,
): Mutant {
  return storeMutant(rule, flaw, (store) => {
    const call = store[method] as Call;
    return {
      [method]: async (...args: readonly unknown[]) => {
        try {
          return await call(...args);
        } catch (error) {
          throw isStoreError(error) ? told(error, args) : error;
        }
      },
    };
  });
}

/** The same, of nothing but errors of a backend that fails. */
function tellsOfFailure(
  rule: RuleId,
  flaw: string,
  method: Failing,
  told: (error: StoreError, args: readonly unknown[]) => unknown,
): Mutant {
  return tells(rule, `while the backend fails ${flaw}`, method, (error, args) =>
    error.code === "KV_UNAVAILABLE" ? told(error, args) : error,
  );
}

function withCode(code: StoreErrorCode, error: StoreError): StoreError {
  return new StoreError(code, error.message, { cause: error.cause });
}

function withText(error: StoreError, text: string): StoreError {
  return new StoreError(error.code, `${error.message} ${text}`, { cause: error.cause });
}

/** Leaves out of the options what is not known. */
function only(options: object | undefined, ...known: readonly string[]): object | undefined {
  if (typeof options !== "object" || options === null) return options;
  return Object.fromEntries(Object.entries(options).filter(([name]) => known.includes(name)));
}

function ignores(flaw: string, change: StoreChange): Mutant {
  return storeMutant("E1", flaw, change);
}

/** A batch of nothing that a server does not take. */
function refusesNothing(method: "getMany" | "setMany" | "deleteMany"): Mutant {
  return storeMutant("S2", `${method} of nothing is an error of the protocol`, (store) => {
    const call = store[method] as Call;
    return {
      [method]: async (...args: readonly unknown[]) => {
        const [items] = args;
        const answer = await call(...args);
        if (Array.isArray(items) && items.length === 0) throw new Error("ERR wrong number of arguments");
        return answer;
      },
    };
  });
}

/** An `increment` that adds in another way. */
function adds(flaw: string, add: (found: string | undefined, by: number) => string | undefined): Mutant {
  return driverMutant("A1", flaw, ({ namespace }) => ({
    increment(key, by, ms) {
      const found = sync(namespace.get(key));
      const text = add(found && textOf(found), by);
      if (text === undefined) return namespace.increment(key, by, ms);
      const leftMs = sync(namespace.expiresInMs(key)) ?? ms;
      sync(namespace.set(key, text, found === undefined ? ms : "keep"));
      return { value: Number(text), expiresInMs: leftMs };
    },
  }));
}

function sum(found: string | undefined, by: number): number | undefined {
  return found === undefined || decimal.test(found) ? Number(found ?? 0) + by : undefined;
}

const countingMutants: readonly Mutant[] = [
  adds("increment does not go below 0", (found, by) => {
    const value = sum(found, by);
    return value !== undefined && value < 0 && by < 0 ? "0" : undefined;
  }),
  adds("increment to fewer digits leaves a blank behind them", (found, by) => {
    const value = String(sum(found, by) ?? "");
    return found !== undefined && value !== "" && value.length < found.length
      ? value.padEnd(found.length)
      : undefined;
  }),
  adds("increment wraps at 2^31", (found, by) => {
    const value = sum(found, by);
    return value !== undefined && Number.isSafeInteger(value) && Math.abs(value) >= 2 ** 31
      ? String(value | 0)
      : undefined;
  }),
  adds("increment takes an empty value for 0", (found, by) => (found === "" ? String(by) : undefined)),
  adds("increment takes leading zeros", (found, by) =>
    found !== undefined && /^0\d{1,14}$/.test(found) ? String(Number(found) + by) : undefined,
  ),
  adds("increment takes a plus sign", (found, by) =>
    found !== undefined && /^\+\d{1,14}$/.test(found) ? String(Number(found) + by) : undefined,
  ),
  adds("increment takes -0", (found, by) => (found === "-0" ? String(by) : undefined)),
  adds("increment takes a number with a fraction of zero", (found, by) =>
    found !== undefined && /^\d{1,14}\.0+$/.test(found) ? String(Number(found) + by) : undefined,
  ),
  adds("increment takes blanks and line breaks around a number", (found, by) =>
    found !== undefined && found !== found.trim() && decimal.test(found.trim())
      ? String(Number(found.trim()) + by)
      : undefined,
  ),
  adds("a large number is written with an exponent", (found, by) => {
    const value = sum(found, by);
    return value !== undefined && Number.isSafeInteger(value) && value >= 1e12
      ? value.toExponential()
      : undefined;
  }),
  driverMutant("A1", "increment by 0 creates no entry", ({ namespace }) => ({
    increment: (key, by, ms) =>
      by === 0 && !sync(namespace.exists(key))
        ? { value: 0, expiresInMs: ms }
        : namespace.increment(key, by, ms),
  })),
  driverMutant("A1", "increment refuses the largest safe integer itself", ({ namespace }) => ({
    increment(key, by, ms) {
      const found = sync(namespace.get(key));
      if (sum(found && textOf(found), by) === Number.MAX_SAFE_INTEGER)
        throw new StoreError("KV_NOT_AN_INTEGER", "it would be too large.");
      return namespace.increment(key, by, ms);
    },
  })),
  driverMutant("A1", "a sum beyond the safe integers is refused, and stored", ({ namespace }) => ({
    increment(key, by, ms) {
      const found = sync(namespace.get(key));
      const value = sum(found && textOf(found), by);
      try {
        return namespace.increment(key, by, ms);
      } catch (error) {
        if (value !== undefined) sync(namespace.set(key, utf8(String(value)), "keep"));
        throw error;
      }
    },
  })),
  tells("A1", "what is no integer is KV_FAILED", "increment", (error) =>
    error.code === "KV_NOT_AN_INTEGER" ? withCode("KV_FAILED", error) : error,
  ),
];

const errorMutants: readonly Mutant[] = [
  ignores("setMany ignores options that it does not know", (store) => ({
    setMany: (entries, options) => store.setMany(entries, only(options, "expiresIn", "keepExpiry")),
  })),
  ignores("setIfAbsent ignores options that it does not know", (store) => ({
    setIfAbsent: (key, value, options) => store.setIfAbsent(key, value, only(options, "expiresIn")),
  })),
  ignores("compareAndSet ignores options that it does not know", (store) => ({
    compareAndSet: (key, expected, value, options) =>
      store.compareAndSet(key, expected, value, only(options, "expiresIn", "keepExpiry")),
  })),
  ignores("increment ignores options that it does not know", (store) => ({
    increment: (key, options) => store.increment(key, only(options, "by", "expiresIn")),
  })),
  ignores("get ignores options that it does not know", (store) => ({
    get: (key, options) => store.get(key, only(options, "renewFor")),
  })),
  ignores("setMany refuses an unknown option once it has written", (store) => ({
    async setMany(entries, options) {
      const all = [...entries];
      await store.setMany(all, only(options, "expiresIn", "keepExpiry"));
      if (options !== undefined) await store.setMany([], options);
    },
  })),
  ignores("increment takes a step given as text", (store) => ({
    increment: (key, options) =>
      store.increment(
        key,
        typeof options?.by === "string" ? { ...options, by: Number(options.by) } : options,
      ),
  })),
  refusesNothing("getMany"),
  refusesNothing("setMany"),
  refusesNothing("deleteMany"),
  tellsOfFailure("E1", "getMany rejects with a plain Error", "getMany", (error) => new Error(error.message)),
  tellsOfFailure("E1", "touch rejects with a TypeError", "touch", (error) => new TypeError(error.message)),
  tellsOfFailure("E1", "the error of compareAndSet has no code", "compareAndSet", (error) =>
    Object.assign(new Error(error.message), { name: "StoreError" }),
  ),
  driverMutant("E2", "what is no integer stands in the message", ({ namespace }) => ({
    increment(key, by, ms) {
      const found = sync(namespace.get(key));
      if (found === undefined || decimal.test(textOf(found))) return namespace.increment(key, by, ms);
      throw new StoreError("KV_NOT_AN_INTEGER", `"${textOf(found)}" is no integer. Set one first.`);
    },
  })),
  tellsOfFailure("E2", "the message of getMany shows its keys", "getMany", (error, [keys]) =>
    withText(error, Array.isArray(keys) ? keys.join(", ") : ""),
  ),
  tellsOfFailure(
    "E2",
    "the message of compareAndSet shows what was expected",
    "compareAndSet",
    (error, [, expected]) =>
      withText(error, typeof expected === "string" || expected instanceof Uint8Array ? textOf(expected) : ""),
  ),
  tellsOfFailure("E2", "the message of expiresIn shows the key", "expiresIn", (error, [key]) =>
    withText(error, String(key)),
  ),
  tellsOfFailure("E2", "the cause of setMany has its entries", "setMany", (error, [entries]) => {
    const cause = Object.assign(new Error("command failed"), { command: { name: "mset", args: entries } });
    return new StoreError(error.code, error.message, { cause });
  }),
  tells("E2", "the message for a damaged entry shows its key", "get", (error, [key]) =>
    error.code === "KV_CORRUPT" ? withText(error, String(key)) : error,
  ),
  tells("E2", "the message for a damaged entry that is taken shows its key", "take", (error, [key]) =>
    error.code === "KV_CORRUPT" ? withText(error, String(key)) : error,
  ),
  tells(
    "E2",
    "the message of deleteMany does not say what was tried",
    "deleteMany",
    (error) => new StoreError(error.code, "The command failed. Try it again.", { cause: error.cause }),
  ),
  tells(
    "E2",
    "the message of increment does not say what was tried",
    "increment",
    (error) => new StoreError(error.code, "The command failed. Try it again.", { cause: error.cause }),
  ),
];

const argumentMutants: readonly Mutant[] = [
  storeMutant("S5", "deleteMany deletes until it meets what is wrong", (store) => ({
    async deleteMany(keys) {
      let removed = 0;
      for (const key of keys) removed += (await store.delete(key)) ? 1 : 0;
      return removed;
    },
  })),
  storeMutant("S5", "setIfAbsent replaces lone surrogates in a value", (store) => ({
    setIfAbsent: (key, value, options) =>
      store.setIfAbsent(key, typeof value === "string" ? value.toWellFormed() : value, options),
  })),
  storeMutant("S5", "compareAndSet replaces lone surrogates in what is expected", (store) => ({
    compareAndSet: (key, expected, value, options) =>
      store.compareAndSet(
        key,
        typeof expected === "string" ? expected.toWellFormed() : expected,
        value,
        options,
      ),
  })),
  storeMutant("S5", "compareAndDelete turns an expected number into text", (store) => ({
    compareAndDelete: (key, expected) =>
      store.compareAndDelete(key, typeof expected === "number" ? String(expected) : expected),
  })),
  storeMutant("S5", "setMany stores an ArrayBuffer as its bytes", (store) => ({
    setMany: async (entries, options) =>
      store.setMany(
        [...entries].map((entry) => {
          const value: unknown = entry[1];
          return value instanceof ArrayBuffer ? [entry[0], new Uint8Array(value)] : entry;
        }),
        options,
      ),
  })),
  storeMutant("S5", "set stores a view of another type as its bytes", (store) => ({
    set: (key, value, options) => {
      const given: unknown = value;
      const isOther = ArrayBuffer.isView(given) && !(given instanceof Uint8Array);
      return store.set(
        key,
        isOther ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength) : value,
        options,
      );
    },
  })),
];

const laterMutants: readonly Mutant[] = [
  slowMutant(
    "N5",
    "deleteAll lists the keys, and deletes those names 15 ms after it resolved",
    ({ data, path, namespace }) => ({
      deleteAll() {
        const listed = data.pathsFrom(path).map((below) => [below, data.keys(below)] as const);
        sync(namespace.deleteAll());
        inBackground(async () => {
          await delay(15);
          for (const [below, keys] of listed) for (const key of keys) data.entries(below).delete(key);
        });
      },
    }),
  ),
  slowMutant("N5", "deleteAll removes a page, and the other pages after it resolved", ({ data, path }) => ({
    deleteAll() {
      data.entries(path);
      const all = data
        .pathsFrom(path)
        .flatMap((below) => data.keys(below).map((key) => [below, key] as const));
      const remove = (page: typeof all): void => {
        for (const [below, key] of page) data.entries(below).delete(key);
      };
      remove(all.slice(0, 100));
      inBackground(async () => {
        await delay(15);
        remove(all.slice(100));
      });
    },
  })),
  slowMutant("N5", "deleteAll is done once more 20 ms after it resolved", ({ namespace }) => ({
    deleteAll() {
      sync(namespace.deleteAll());
      inBackground(async () => {
        await delay(20);
        sync(namespace.deleteAll());
      });
    },
  })),
  slowMutant("N5", "deleteAll empties the children 15 ms after it resolved", ({ data, path }) => ({
    deleteAll() {
      data.entries(path).clear();
      inBackground(async () => {
        await delay(15);
        for (const below of data.pathsFrom(path)) if (below.length > path.length) data.entries(below).clear();
      });
    },
  })),
  slowMutant(
    "T6",
    "deleteExpired deletes what has expired, and those names once more after it resolved",
    ({ data, path }) => ({
      deleteExpired() {
        data.entries(path);
        const expired = data
          .pathsFrom(path)
          .flatMap((below) => [...data.entries(below)].map(([key, entry]) => ({ below, key, entry })))
          .filter(({ entry }) => entry.expiresAtMs <= data.nowMs);
        inBackground(async () => {
          await delay(15);
          for (const { below, key } of expired) data.entries(below).delete(key);
        });
        return expired.length;
      },
    }),
  ),
  slowMutant(
    "T1",
    "an expiry that was once set is carried out by its timer, whatever was set since",
    ({ namespace, data, path }) => {
      const ends: { readonly key: string; readonly atMs: number }[] = [];
      const fire = (): void => {
        for (const [at, { key, atMs }] of [...ends.entries()].toReversed()) {
          if (atMs > data.nowMs) continue;
          ends.splice(at, 1);
          data.entries(path).delete(key);
        }
      };
      return {
        set(key, value, expiry) {
          fire();
          if (expiry !== "keep" && Number.isFinite(expiry)) ends.push({ key, atMs: data.nowMs + expiry });
          return namespace.set(key, value, expiry);
        },
        get(key) {
          fire();
          return namespace.get(key);
        },
        exists(key) {
          fire();
          return namespace.exists(key);
        },
      };
    },
  ),
];

const rootMutants: readonly Mutant[] = [
  storeMutant("N4", "without a namespace keys are none", (store) => ({
    async *keys(options) {
      if (store.namespace !== null) yield* store.keys(options);
    },
  })),
  storeMutant("N4", "without a namespace namespaces are none", (store) => ({
    async *namespaces() {
      if (store.namespace !== null) yield* store.namespaces();
    },
  })),
  storeMutant("N4", "without a namespace deleteAll is refused as KV_FAILED", (store) => ({
    deleteAll: () =>
      store.deleteAll().catch((error: unknown) => {
        throw isStoreError(error, "KV_NO_NAMESPACE") ? withCode("KV_FAILED", error) : error;
      }),
  })),
];

export const callMutants: readonly Mutant[] = [
  ...countingMutants,
  ...errorMutants,
  ...argumentMutants,
  ...laterMutants,
  ...rootMutants,
];
