import { isStoreError } from "@kv/core";
import { brokenDriver, brokenOpening, brokenStore, type Mutant, turn } from "./mutant.ts";

const none = Number.POSITIVE_INFINITY;
const decoder = new TextDecoder();

export const takeMutants: readonly Mutant[] = [
  brokenDriver(
    "A4",
    "take leaves the entry where it is",
    "take gives the value and removes the entry, with its expiry",
    ({ namespace }) => ({
      take: (key) => namespace.get(key),
    }),
  ),
  brokenDriver(
    "A4",
    "take hides the entry, whose expiry the next one gets",
    "take gives the value and removes the entry, with its expiry",
    ({ namespace }) => {
      const leftMs = new Map<string, number>();
      return {
        async take(key) {
          const found = await namespace.get(key);
          if (found === undefined) return undefined;
          leftMs.set(key, (await namespace.expiresInMs(key)) ?? none);
          await namespace.delete(key);
          return found;
        },
        set(key, value, expiry) {
          const kept = expiry === "keep" ? leftMs.get(key) : undefined;
          leftMs.delete(key);
          return namespace.set(key, value, kept ?? expiry);
        },
      };
    },
  ),
  brokenDriver(
    "A4",
    "take takes an empty value for nothing, and leaves it",
    "take gives the value and removes the entry, with its expiry",
    ({ namespace }) => ({
      async take(key) {
        const found = await namespace.get(key);
        if (found === undefined || found.length === 0) return undefined;
        await namespace.delete(key);
        return found;
      },
    }),
  ),
  brokenDriver(
    "A4",
    "take is a get and then a delete: two callers win",
    "of many takes exactly one gets the value, among callers of one",
    ({ namespace }) => ({
      async take(key) {
        const found = await namespace.get(key);
        await turn();
        await namespace.delete(key);
        return found;
      },
    }),
  ),
  brokenDriver(
    "A4",
    "take deletes whatever stands there after it has read: another's value is lost",
    "beside setIfAbsent, compareAndSet and compareAndDelete nothing is",
    ({ namespace }) => ({
      async take(key) {
        const found = await namespace.get(key);
        await turn();
        return found !== undefined && (await namespace.delete(key)) ? found : undefined;
      },
    }),
  ),
  brokenDriver(
    "A4",
    "take gives up where another has changed the entry",
    "one order explains every answer of a recorded history of takes",
    ({ namespace }) => ({
      async take(key) {
        const found = await namespace.get(key);
        await turn();
        return found !== undefined && (await namespace.compareAndDelete(key, found)) ? found : undefined;
      },
    }),
  ),
  brokenDriver(
    "A4",
    "take deletes a damaged entry before it tells of the damage",
    "take of a damaged entry is KV_CORRUPT and leaves it, until a set",
    ({ namespace }) => ({
      async take(key) {
        try {
          return await namespace.get(key);
        } finally {
          await namespace.delete(key);
        }
      },
    }),
  ),
  brokenDriver(
    "A4",
    "take of a damaged entry is a miss",
    "take of a damaged entry is KV_CORRUPT and leaves it, until a set",
    ({ namespace, data, path }) => ({
      async take(key) {
        if (data.find(path, key)?.damaged === true) return undefined;
        const found = await namespace.get(key);
        await namespace.delete(key);
        return found;
      },
    }),
  ),
  brokenDriver(
    "S1",
    "take gives text",
    "take gives the same bytes as get, of any length, of text and of",
    ({ namespace }) => ({
      async take(key) {
        const found = await namespace.get(key);
        await namespace.delete(key);
        return found && new TextEncoder().encode(decoder.decode(found));
      },
    }),
  ),
  brokenDriver(
    "S2",
    "take of what is not there is an error",
    "atomic steps on what is not there say so",
    () => ({
      take() {
        throw new Error("not found");
      },
    }),
  ),
  brokenStore(
    "S3",
    "take gives a view of the store's own bytes",
    "an array that take gives is the caller's own, and its",
    (store) => {
      const page = new Uint8Array(1 << 18);
      return {
        async take(key) {
          const found = await store.take(key);
          if (found === undefined) return undefined;
          page.set(found);
          return page.subarray(0, found.length);
        },
      };
    },
  ),
  brokenDriver("S4", "take trims its key", "take of a hostile key takes no other", ({ namespace }) => ({
    async take(key) {
      const found = await namespace.get(key.trim());
      await namespace.delete(key.trim());
      return found;
    },
  })),
  brokenStore(
    "S5",
    "take replaces lone surrogates, and does not refuse them",
    "a key with a lone surrogate is refused by atomic steps, and",
    (store) => ({
      take: (key) => store.take(key.toWellFormed()),
    }),
  ),
  brokenDriver(
    "S6",
    "take waits for a turn and takes what was set later",
    "atomic steps keep their place among other calls",
    ({ namespace }) => ({
      async take(key) {
        await turn();
        const found = await namespace.get(key);
        await namespace.delete(key);
        return found;
      },
    }),
  ),
  brokenDriver(
    "S6",
    "take is by get and compareAndDelete, of a driver that answers later",
    "atomic steps keep their place among other calls",
    ({ namespace }) => ({
      async take(key) {
        for (;;) {
          const found = await namespace.get(key);
          await turn();
          if (found === undefined || (await namespace.compareAndDelete(key, found))) return found;
        }
      },
    }),
  ),
  brokenDriver(
    "S7",
    "while the backend fails take is a miss",
    "while the backend fails every call rejects by atomic steps, and",
    ({ namespace, data }) => ({
      async take(key) {
        if (data.failing) return undefined;
        const found = await namespace.get(key);
        await namespace.delete(key);
        return found;
      },
    }),
  ),
  brokenDriver(
    "S7",
    "a take that was rejected as not done was done",
    "a take that was rejected as not done leaves the value, for one",
    ({ namespace, data, path }) => ({
      async take(key) {
        if (data.failing) {
          data.namespaces.get(JSON.stringify(path))?.delete(key);
          await namespace.get(key);
        }
        const found = await namespace.get(key);
        await namespace.delete(key);
        return found;
      },
    }),
  ),
  brokenDriver(
    "T1",
    "take gives what has expired",
    "an expired entry is gone for take",
    ({ data, path }) => ({
      take(key) {
        const entry = data.entries(path).get(key);
        data.entries(path).delete(key);
        return entry?.bytes;
      },
    }),
  ),
  brokenDriver("N1", "take looks in the root", "atomic steps stay in their namespace", ({ data }) => ({
    take(key) {
      const entry = data.find([], key);
      data.entries([]).delete(key);
      return entry?.bytes;
    },
  })),
  brokenStore(
    "L2",
    "after close take is a miss",
    "after close every call rejects with KV_CLOSED by atomic",
    (store) => ({
      take: (key) =>
        store.take(key).catch((error: unknown) => {
          if (isStoreError(error, "KV_CLOSED")) return undefined;
          throw error;
        }),
    }),
  ),
  brokenOpening(
    "capabilities",
    "a store of atomic steps has no take",
    "the methods of atomic are there if it is declared, and only then",
    (opened) => {
      const { take: _, ...store } = opened.store as unknown as Record<string, unknown>;
      return { ...opened, store: store as unknown as typeof opened.store };
    },
  ),
];
