import type { Duration } from "@kv/core";
import { bytesOf } from "@kv/core/driver";
import { brokenDriver, brokenStore, type Mutant, turn } from "./mutant.ts";

const none = Number.POSITIVE_INFINITY;

export const timeMutants: readonly Mutant[] = [
  brokenDriver(
    "T1",
    "exists is true of what has expired",
    "an expired entry is gone for exists",
    ({ data, path }) => ({
      exists: (key) => data.entries(path).has(key),
    }),
  ),
  brokenDriver(
    "T1",
    "getMany gives what has expired",
    "an expired entry is gone for getMany",
    ({ data, path }) => ({
      getMany: (keys) => keys.map((key) => data.entries(path).get(key)?.bytes),
    }),
  ),
  brokenDriver(
    "T1",
    "an expired counter goes on",
    "an expired entry is gone for increment",
    ({ namespace, data, path }) => ({
      increment(key, by, expiresInMs) {
        const entry = data.entries(path).get(key);
        if (entry !== undefined && entry.expiresAtMs <= data.nowMs)
          entry.expiresAtMs = data.nowMs + expiresInMs;
        return namespace.increment(key, by, expiresInMs);
      },
    }),
  ),
  brokenDriver(
    "T1",
    "deleting what has expired says that it was there",
    "an expired entry is gone for delete",
    ({ data, path }) => ({
      delete: (key) => data.entries(path).delete(key),
    }),
  ),
  brokenDriver(
    "T1",
    "durations are cut to whole seconds, at least one",
    "an expiry less than a second long, or with a fraction of one,",
    ({ namespace }) => ({
      set: (key, value, expiry) =>
        namespace.set(
          key,
          value,
          expiry === "keep" || expiry === none ? expiry : Math.max(1, Math.floor(expiry / 1_000)) * 1_000,
        ),
    }),
  ),
  brokenDriver(
    "T1",
    "an expiry comes a second late",
    "an expiry less than a second long, or with a fraction of one,",
    ({ namespace }) => ({
      set: (key, value, expiry) => namespace.set(key, value, expiry === "keep" ? expiry : expiry + 1_000),
    }),
  ),
  brokenDriver(
    "T1",
    "the first expiry of a key stays, whatever is set later",
    "an expiry less than a second long, or with a fraction of one,",
    ({ namespace, data, path }) => ({
      set: (key, value, expiry) =>
        namespace.set(key, value, (data.find(path, key)?.expiresAtMs ?? none) === none ? expiry : "keep"),
    }),
  ),
  brokenDriver(
    "T2",
    "set without options keeps the expiry",
    "set without options removes the expiry",
    ({ namespace }) => ({
      set: (key, value, expiry) => namespace.set(key, value, expiry === none ? "keep" : expiry),
    }),
  ),
  brokenDriver(
    "T2",
    "keepExpiry removes the expiry",
    "set with keepExpiry keeps the expiry, and that there is none",
    ({ namespace }) => ({
      set: (key, value, expiry) => namespace.set(key, value, expiry === "keep" ? none : expiry),
    }),
  ),
  brokenDriver(
    "T1",
    "keepExpiry brings back an expiry that is over",
    "an expired entry is gone for set with keepExpiry",
    ({ namespace, data, path }) => ({
      set(key, value, expiry) {
        const old = data.entries(path).get(key);
        const done = namespace.set(key, value, expiry);
        const entry = data.entries(path).get(key);
        if (expiry === "keep" && old !== undefined && entry !== undefined)
          entry.expiresAtMs = old.expiresAtMs;
        return done;
      },
    }),
  ),
  brokenStore(
    "T2",
    "expiresIn wins over keepExpiry without a word",
    "set refuses expiresIn together with keepExpiry, and a",
    (store) => ({
      set: (key, value, options) =>
        store.set(key, value, options?.expiresIn === undefined ? options : { expiresIn: options.expiresIn }),
    }),
  ),
  brokenDriver(
    "T3",
    "renewal gives an expiry to what had none",
    "get with renewFor gives no expiry to an entry that has none",
    ({ namespace, data, path }) => ({
      getAndRenew(key, renewForMs) {
        const entry = data.find(path, key);
        if (entry !== undefined) entry.expiresAtMs = data.nowMs + renewForMs;
        return namespace.get(key);
      },
    }),
  ),
  brokenDriver(
    "T3",
    "renewal only ever lengthens",
    "touch moves an expiry, shorter and longer, and leaves the value",
    ({ namespace, data, path }) => ({
      touch(key, renewForMs) {
        const entry = data.find(path, key);
        return entry !== undefined && entry.expiresAtMs > data.nowMs + renewForMs
          ? true
          : namespace.touch(key, renewForMs);
      },
    }),
  ),
  brokenDriver(
    "T3",
    "renewal adds to what is left",
    "touch moves an expiry, shorter and longer, and leaves the value",
    ({ namespace, data, path }) => ({
      touch(key, renewForMs) {
        const entry = data.find(path, key);
        return namespace.touch(
          key,
          entry === undefined ? renewForMs : entry.expiresAtMs - data.nowMs + renewForMs,
        );
      },
    }),
  ),
  brokenDriver(
    "T3",
    "renewal reads and then sets, undoing what was written meanwhile",
    "get with renewFor brings nothing back that is deleted beside",
    ({ namespace }) => ({
      async getAndRenew(key, renewForMs) {
        const found = await namespace.get(key);
        const expiresInMs = await namespace.expiresInMs(key);
        if (found === undefined) return undefined;
        const copy = found.slice();
        await turn();
        await namespace.set(key, copy, expiresInMs === none ? none : renewForMs);
        return copy;
      },
    }),
  ),
  brokenDriver(
    "T1",
    "touch renews what has expired",
    "an expired entry is gone for touch",
    ({ namespace, data, path }) => ({
      touch(key, renewForMs) {
        const entry = data.entries(path).get(key);
        if (entry === undefined || entry.expiresAtMs > data.nowMs) return namespace.touch(key, renewForMs);
        entry.expiresAtMs = data.nowMs + renewForMs;
        return true;
      },
    }),
  ),
  brokenDriver(
    "T4",
    "no expiry is told as no entry",
    "expiresIn tells the seconds left with fractions, Infinity",
    ({ namespace }) => ({
      async expiresInMs(key) {
        const left = await namespace.expiresInMs(key);
        return left === none ? undefined : left;
      },
    }),
  ),
  brokenDriver(
    "T4",
    "the time left is told in whole seconds",
    "expiresIn tells the seconds left with fractions, Infinity",
    ({ namespace }) => ({
      async expiresInMs(key) {
        const left = await namespace.expiresInMs(key);
        return left === undefined || left === none ? left : Math.round(left / 1_000) * 1_000;
      },
    }),
  ),
  brokenDriver(
    "T4",
    "no entry is told as -2, as the protocol does",
    "expiresIn tells the seconds left with fractions, Infinity",
    ({ namespace }) => ({
      expiresInMs: async (key) => (await namespace.expiresInMs(key)) ?? -2_000,
    }),
  ),
  brokenStore(
    "T5",
    "0 means for ever",
    "a duration that is not positive is refused, and nothing is",
    (store) => ({
      set: (key, value, options) => store.set(key, value, options?.expiresIn === 0 ? {} : options),
    }),
  ),
  brokenStore(
    "T5",
    "a negative duration means gone at once",
    "a duration that is not positive is refused, and nothing is",
    (store) => ({
      async set(key, value, options) {
        const { expiresIn } = options ?? {};
        if (typeof expiresIn === "number" && expiresIn < 0) await store.delete(key);
        else await store.set(key, value, options);
      },
    }),
  ),
  brokenStore(
    "T5",
    "text without a unit means seconds",
    "text without a unit, months, years and other types are refused,",
    (store) => ({
      set: (key, value, options) =>
        store.set(
          key,
          value,
          typeof options?.expiresIn === "string" && /^\d+$/.test(options.expiresIn)
            ? { expiresIn: Number(options.expiresIn) as Duration }
            : options,
        ),
    }),
  ),
  brokenDriver(
    "T5",
    "a timer overflows at 25 days",
    "a day, 2^31 ms, 30 days, a century and Infinity given by set are that long",
    ({ namespace }) => ({
      set: (key, value, expiry) =>
        namespace.set(
          key,
          value,
          typeof expiry === "number" && expiry !== none && expiry > 2 ** 31 - 1 ? 1 : expiry,
        ),
    }),
  ),
  brokenDriver(
    "T5",
    "30 days and more are taken for a date, as memcached does",
    "a day, 2^31 ms, 30 days, a century and Infinity given by set are that long",
    ({ namespace }) => ({
      set: (key, value, expiry) =>
        namespace.set(
          key,
          value,
          typeof expiry === "number" && expiry !== none && expiry > 2_592_000_000 ? 0 : expiry,
        ),
    }),
  ),
  brokenStore(
    "T5",
    "a number means milliseconds",
    "more than 1,000 years are refused, and nothing is written",
    (store) => ({
      set: (key, value, options) =>
        store.set(
          key,
          value,
          typeof options?.expiresIn === "number" ? { expiresIn: options.expiresIn / 1_000 } : options,
        ),
    }),
  ),
  brokenDriver(
    "T6",
    "deleteExpired removes everything that has an expiry",
    "deleteExpired removes nothing that has not expired",
    ({ data, path }) => ({
      deleteExpired() {
        let removed = 0;
        for (const [key, entry] of data.entries(path)) {
          if (entry.expiresAtMs !== none && data.entries(path).delete(key)) removed += 1;
        }
        return removed;
      },
    }),
  ),
  brokenDriver(
    "T6",
    "deleteExpired looks, and removes later what was set meanwhile",
    "deleteExpired never removes what is set meanwhile, among",
    ({ data, path }) => ({
      async deleteExpired() {
        const expired = [...data.entries(path)].filter(([, entry]) => entry.expiresAtMs <= data.nowMs);
        await turn();
        for (const [key] of expired) data.entries(path).delete(key);
        return expired.length;
      },
    }),
  ),
  brokenDriver(
    "T6",
    "deleteExpired counts what is left too",
    "deleteExpired removes nothing that has not expired",
    ({ data, path }) => ({
      deleteExpired: () => data.entries(path).size + 1,
    }),
  ),
  brokenDriver(
    "T7",
    "expiry goes by the wall clock",
    "where the wall clock jumps",
    ({ namespace, data, path }) => {
      const untilMs = new Map<string, number>();
      return {
        set(key, value, expiry) {
          if (expiry === "keep" || expiry === none) untilMs.delete(key);
          else untilMs.set(key, Date.now() + expiry);
          return namespace.set(key, bytesOf(value), expiry);
        },
        get: (key) =>
          (untilMs.get(key) ?? none) <= Date.now() ? (data.entries(path), undefined) : namespace.get(key),
        exists: (key) => (untilMs.get(key) ?? none) > Date.now() && namespace.exists(key),
      };
    },
  ),
];
