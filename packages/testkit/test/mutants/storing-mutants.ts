import { posix } from "node:path";
import type { Bytes } from "@kv/core";
import { bytesOf } from "@kv/core/driver";
import { brokenDriver, brokenKeys, brokenStore, type Mutant, turn } from "./mutant.ts";

const decoder = new TextDecoder();

function text(value: Uint8Array | string): string {
  return typeof value === "string" ? value : decoder.decode(value);
}

function asText(anything: unknown): string {
  return String(anything);
}

export const storingMutants: readonly Mutant[] = [
  brokenDriver(
    "S1",
    "values are kept as text",
    "all 256 byte values come back, each alone and all together",
    ({ namespace }) => ({
      set: (key, value, expiry) => namespace.set(key, text(value), expiry),
    }),
  ),
  brokenDriver(
    "S1",
    "what looks like a number is parsed back as one",
    "a string comes back as its UTF-8, whatever it looks like",
    ({ namespace }) => ({
      set(key, value, expiry) {
        const told = text(value);
        const number = Number(told);
        const parsed = told.trim() !== "" && Number.isFinite(number) ? String(number) : value;
        return namespace.set(key, parsed, expiry);
      },
    }),
  ),
  brokenDriver(
    "S1",
    "values end at their first NUL",
    "all 256 byte values come back, each alone and all together",
    ({ namespace }) => ({
      set(key, value, expiry) {
        const bytes = bytesOf(value);
        const end = bytes.indexOf(0);
        return namespace.set(key, end < 0 ? bytes : bytes.slice(0, end), expiry);
      },
    }),
  ),
  brokenDriver(
    "S1",
    "an empty value passes for none",
    "values of any length come back whole, the empty one and one of",
    ({ namespace }) => ({
      async get(key) {
        const found = await namespace.get(key);
        return found === undefined || found.length === 0 ? undefined : found;
      },
    }),
  ),
  brokenDriver(
    "S1",
    "a byte order mark is dropped",
    "a string comes back as its UTF-8, whatever it looks like",
    ({ namespace }) => ({
      set: (key, value, expiry) =>
        namespace.set(key, typeof value === "string" ? value.replace(/^\ufeff/, "") : value, expiry),
    }),
  ),
  brokenDriver(
    "S1",
    "a shorter value leaves the end of a longer one",
    "a longer value is replaced by a shorter one, and the other way",
    ({ namespace }) => ({
      async set(key, value, expiry) {
        const old = await namespace.get(key);
        const bytes = bytesOf(value);
        if (old === undefined || old.length <= bytes.length) return namespace.set(key, bytes, expiry);
        const mixed = old.slice();
        mixed.set(bytes);
        return namespace.set(key, mixed, expiry);
      },
    }),
  ),
  brokenDriver(
    "S2",
    "a miss is an empty value",
    "every operation on what is not there says so, and is no error",
    ({ namespace }) => ({
      get: async (key) => (await namespace.get(key)) ?? new Uint8Array(),
    }),
  ),
  brokenDriver(
    "S2",
    "delete says that it deleted whatever it was told",
    "every operation on what is not there says so, and is no error",
    ({ namespace }) => ({
      delete: async (key) => (await namespace.delete(key)) || true,
    }),
  ),
  brokenDriver(
    "S2",
    "a miss is an error",
    "every operation on what is not there says so, and is no error",
    ({ namespace }) => ({
      async get(key) {
        const found = await namespace.get(key);
        if (found === undefined) throw new Error("not found");
        return found;
      },
    }),
  ),
  brokenStore(
    "S3",
    "the caller's buffer is kept as it is",
    "changing an array after it was passed in changes nothing in the",
    (store) => {
      const kept = new Map<string, Uint8Array>();
      return {
        async set(key, value, options) {
          await store.set(key, value, options);
          if (value instanceof Uint8Array) kept.set(key, value);
          else kept.delete(key);
        },
        async get(key, options) {
          const found = await store.get(key, options);
          const alias = kept.get(key);
          return found === undefined || alias === undefined ? found : alias.slice();
        },
      };
    },
  ),
  brokenStore(
    "S3",
    "all readers are given the one array that the store holds",
    "changing an array that was received changes nothing in the store",
    (store) => {
      const held = new Map<string, Bytes>();
      return {
        async set(key, value, options) {
          held.delete(key);
          await store.set(key, value, options);
        },
        async get(key, options) {
          const found = await store.get(key, options);
          if (found === undefined) return undefined;
          const shared = held.get(key) ?? found;
          held.set(key, shared);
          return shared;
        },
      };
    },
  ),
  brokenStore(
    "S3",
    "values are views of a pool that shows other entries",
    "changing an array that was received changes nothing in the store",
    (store) => {
      const pool = new Uint8Array(1 << 21);
      return {
        async get(key, options) {
          const found = await store.get(key, options);
          if (found === undefined) return undefined;
          const view = pool.subarray(8, 8 + found.length);
          view.set(found);
          return view;
        },
      };
    },
  ),
  brokenKeys("the key __proto__ is lost in an object", "hostile keys are all different entries", (key) =>
    key === "__proto__" ? "" : key,
  ),
  brokenKeys("keys are trimmed", "hostile keys are all different entries", (key) => key.trim()),
  brokenKeys("keys are normalised", "hostile keys are all different entries", (key) => key.normalize()),
  brokenKeys(
    "keys are lower-cased, as by a file system that ignores case",
    "hostile keys are all different entries",
    (key) => key.toLowerCase(),
  ),
  brokenKeys("keys are cut to 255 characters", "hostile keys are all different entries", (key) =>
    key.slice(0, 255),
  ),
  brokenKeys(
    "keys end at their first NUL",
    "hostile keys are all different entries",
    (key) => key.split("\0")[0] ?? "",
  ),
  brokenKeys("keys are resolved like paths", "hostile keys are all different entries", (key) =>
    posix.normalize(key),
  ),
  brokenKeys("the separators : and / are one", "hostile keys are all different entries", (key) =>
    key.replaceAll("/", ":"),
  ),
  brokenKeys(
    "a question mark ends a key, as in a URL",
    "hostile keys are all different entries",
    (key) => key.split("?")[0] ?? "",
  ),
  brokenKeys(
    "the empty key is undefined",
    "hostile keys are all different entries",
    (key) => key || "undefined",
  ),
  brokenStore(
    "S5",
    "lone surrogates are replaced, not refused",
    "a key with a lone surrogate is refused, and nothing is written",
    (store) => ({
      get: (key, options) => store.get(key.toWellFormed(), options),
      set: (key, value, options) =>
        store.set(key.toWellFormed(), typeof value === "string" ? value.toWellFormed() : value, options),
    }),
  ),
  brokenStore(
    "S5",
    "values of other types are turned into text",
    "a value that is neither string nor bytes is refused, and",
    (store) => ({
      set: (key, value, options) =>
        store.set(key, value instanceof Uint8Array ? value : asText(value), options),
    }),
  ),
  brokenStore(
    "S5",
    "keys of other types are turned into text",
    "a key that is no string is refused, and nothing is written",
    (store) => ({
      get: (key, options) => store.get(asText(key), options),
      set: (key, value, options) => store.set(asText(key), value, options),
    }),
  ),
  brokenStore(
    "S5",
    "a batch writes until it meets what is wrong",
    "a key with a lone surrogate is refused by batches, and nothing",
    (store) => ({
      async setMany(entries, options) {
        for (const [key, value] of entries) await store.set(key, value, options);
      },
    }),
  ),
  brokenStore(
    "S5",
    "of a key given twice the first value counts",
    "of a key given twice to setMany the last value counts",
    (store) => ({
      setMany: (entries, options) => store.setMany([...entries].toReversed(), options),
    }),
  ),
  brokenDriver(
    "S6",
    "a large value takes its time, and then undoes what came after",
    "a large value set first does not overtake a small one set after",
    ({ namespace }) => ({
      async set(key, value, expiry) {
        if (value.length > 32_768) await turn();
        await namespace.set(key, value, expiry);
      },
    }),
  ),
  brokenDriver(
    "S6",
    "reads wait for a turn and see later writes",
    "of calls that are not awaited each sees those before it, and no",
    ({ namespace }) => ({
      async get(key) {
        await turn();
        return namespace.get(key);
      },
    }),
  ),
  brokenDriver(
    "S6",
    "deleteAll waits for a turn and takes later writes along",
    "set and deleteAll that are not awaited keep their order",
    ({ namespace }) => ({
      async deleteAll() {
        await turn();
        await namespace.deleteAll();
      },
    }),
  ),
  brokenDriver(
    "S6",
    "batches wait for a turn",
    "batches keep their place among single calls",
    ({ namespace }) => ({
      async setMany(entries, expiry) {
        await turn();
        await namespace.setMany(entries, expiry);
      },
    }),
  ),
  brokenDriver(
    "S7",
    "an error of a read passes for a miss",
    "while the backend fails every call rejects, and none passes for",
    ({ namespace }) => ({
      get(key) {
        try {
          return namespace.get(key);
        } catch {
          return undefined;
        }
      },
    }),
  ),
  brokenDriver(
    "S7",
    "an error of a write is swallowed",
    "while the backend fails every call rejects, and none passes for",
    ({ namespace }) => ({
      set(key, value, expiry) {
        try {
          return namespace.set(key, value, expiry);
        } catch {
          return undefined;
        }
      },
    }),
  ),
  brokenDriver(
    "S7",
    "an error of deleteAll is swallowed",
    "while the backend fails deleteAll rejects, and nothing is",
    ({ namespace }) => ({
      deleteAll() {
        try {
          return namespace.deleteAll();
        } catch {
          return undefined;
        }
      },
    }),
  ),
  brokenDriver(
    "S7",
    "a damaged entry passes for a miss",
    "a damaged entry is KV_CORRUPT, a set heals it and a delete",
    ({ namespace, data, path }) => ({
      get: (key) => (data.find(path, key)?.damaged === true ? undefined : namespace.get(key)),
    }),
  ),
  brokenDriver(
    "S7",
    "a damaged entry is damaged for ever",
    "a damaged entry is KV_CORRUPT, a set heals it and a delete",
    ({ namespace, data, path }) => ({
      set(key, value, expiry) {
        const wasDamaged = data.find(path, key)?.damaged === true;
        const done = namespace.set(key, value, expiry);
        const entry = data.find(path, key);
        if (wasDamaged && entry !== undefined) entry.damaged = true;
        return done;
      },
    }),
  ),
  brokenDriver(
    "S7",
    "a write that was rejected as not done is done later",
    "after a failure the store works again, and what was rejected as",
    ({ namespace, data }) => {
      const queued: (() => unknown)[] = [];
      const workOff = (): void => {
        if (!data.failing) for (const write of queued.splice(0)) write();
      };
      return {
        set(key, value, expiry) {
          workOff();
          if (data.failing) queued.push(() => namespace.set(key, value, expiry));
          return namespace.set(key, value, expiry);
        },
        get(key) {
          workOff();
          return namespace.get(key);
        },
        exists(key) {
          workOff();
          return namespace.exists(key);
        },
      };
    },
  ),
  brokenDriver(
    "S7",
    "a listing that fails ends as if that were all",
    "while the backend fails listings reject, and do not end as if",
    ({ namespace }) => ({
      async *keys(prefix) {
        try {
          yield* namespace.keys(prefix);
        } catch {
          // that was all
        }
      },
    }),
  ),
];
