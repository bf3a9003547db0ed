import { type Bytes, type FullStore, isStoreError, type ListOptions } from "@kv/core";
import { brokenDriver, brokenOpening, brokenStore, type Mutant, turn } from "./mutant.ts";

type Entry = [key: string, value: Bytes];

/** Listings of keys and of entries, of which only what `wanted` says comes. */
function chosen(
  store: FullStore,
  wanted: (key: string, prefix: string) => boolean,
): Pick<FullStore, "keys" | "entries"> {
  return {
    async *keys(options) {
      for await (const key of store.keys(all(options))) if (wanted(key, options?.prefix ?? "")) yield key;
    },
    async *entries(options) {
      for await (const entry of store.entries(all(options)))
        if (wanted(entry[0], options?.prefix ?? "")) yield entry;
    },
  };
}

/** The same options without the prefix; what is wrong in them stays. */
function all(options: ListOptions | undefined): ListOptions | undefined {
  return options === undefined ? undefined : { ...options, prefix: undefined };
}

const prefixes = "keys with a prefix lists the keys that begin with it and no";

function asText(anything: unknown): string {
  return String(anything);
}

/** A text as a pattern of a server, as it is. */
function globOf(text: string): RegExp {
  const pattern = text
    .replaceAll(/[.+^${}()|]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  try {
    return new RegExp(`^${pattern}`, "s");
  } catch {
    return /^$/; // a pattern that is none matches nothing
  }
}

export const listingMutants: readonly Mutant[] = [
  brokenStore("N6", "a prefix is a pattern", prefixes, (store) =>
    chosen(store, (key, prefix) => globOf(prefix).test(key)),
  ),
  brokenStore("N6", "a prefix is ignored", prefixes, (store) => chosen(store, () => true)),
  brokenStore("N6", "a prefix is found anywhere in a key", prefixes, (store) =>
    chosen(store, (key, prefix) => key.includes(prefix)),
  ),
  brokenStore("N6", "a prefix is compared without regard to case", prefixes, (store) =>
    chosen(store, (key, prefix) => key.toLowerCase().startsWith(prefix.toLowerCase())),
  ),
  brokenStore("N6", "a prefix is normalised", prefixes, (store) =>
    chosen(store, (key, prefix) => key.normalize().startsWith(prefix.normalize())),
  ),
  brokenStore("N6", "a prefix ends at a separator", prefixes, (store) =>
    chosen(store, (key, prefix) => key === prefix || key.startsWith(prefix === "" ? "" : `${prefix}:`)),
  ),
  brokenStore("N6", "a prefix does not match the key that is equal to it", prefixes, (store) =>
    chosen(store, (key, prefix) => prefix === "" || (key.startsWith(prefix) && key !== prefix)),
  ),
  brokenStore(
    "N6",
    "a prefix is the beginning of a path into the children",
    "a prefix that looks like the way to another namespace lists",
    (store) => ({
      async *keys(options) {
        yield* store.keys(options);
        const [, name, rest] = /^(\w+)\/(.*)$/.exec(options?.prefix ?? "") ?? [];
        if (name === undefined) return;
        for await (const key of store.withNamespace(name).keys({ prefix: rest })) yield `${name}/${key}`;
      },
    }),
  ),
  brokenStore(
    "N6",
    "only a prefix of keys is heeded, that of entries is not",
    "entries with a prefix lists the entries whose keys begin with it",
    (store) => ({
      entries: (options) => store.entries(all(options)),
    }),
  ),
  brokenDriver("N6", "a driver narrows its search too far", prefixes, ({ namespace }) => ({
    async *keys(prefix) {
      for await (const page of namespace.keys(prefix)) yield page.filter((key) => globOf(prefix).test(key)); // and core lets through what begins so
    },
  })),
  brokenDriver(
    "N6",
    "keys with a prefix does not end while others write",
    "keys with a prefix ends while others write keys of that prefix,",
    ({ data, path, namespace }) => ({
      async *keys(prefix) {
        if (prefix === "") return yield* namespace.keys(prefix);
        for (const key of data.entries(path).keys()) {
          await turn();
          yield [key];
        }
      },
    }),
  ),
  brokenStore(
    "N6",
    "entries skips a key",
    "entries lists every key with its value, none where there is none",
    (store) => ({
      async *entries(options) {
        let count = 0;
        for await (const entry of store.entries(options)) {
          count += 1;
          if (count !== 700) yield entry;
        }
      },
    }),
  ),
  brokenStore(
    "N6",
    "entries gives a value to the key after it",
    "entries lists every key with its value, none where there is none",
    (store) => ({
      async *entries(options) {
        let last: Bytes | undefined;
        for await (const [key, value] of store.entries(options)) {
          yield [key, last ?? value];
          last = value;
        }
      },
    }),
  ),
  brokenStore(
    "N6",
    "entries gives what was read when it began",
    "entries lists every key with its value, none where there is none",
    (store) => {
      let snapshot: Entry[] | undefined;
      return {
        async *entries(options) {
          if (snapshot === undefined || snapshot.length < 1_000) {
            snapshot = [];
            for await (const entry of store.entries(options)) snapshot.push(entry);
          }
          for (const entry of snapshot) if (await store.exists(entry[0])) yield entry;
        },
      };
    },
  ),
  brokenStore(
    "N6",
    "entries leaves out what is empty",
    "entries gives values of any length as they are, small and large",
    (store) => ({
      async *entries(options) {
        for await (const entry of store.entries(options)) if (entry[1].length > 0) yield entry;
      },
    }),
  ),
  brokenStore(
    "N6",
    "entries lists the children's too",
    "entries lists the namespace's own, not its children's, siblings'",
    (store) => ({
      async *entries(options) {
        yield* store.entries(options);
        for await (const name of store.namespaces()) yield* store.withNamespace(name).entries(options);
      },
    }),
  ),
  brokenDriver(
    "N6",
    "entries gives what has expired",
    "entries and keys with a prefix leave out what has expired",
    ({ data, path }) => ({
      get: (key) => data.entries(path).get(key)?.bytes,
      async *keys() {
        yield [...data.entries(path).keys()];
      },
    }),
  ),
  brokenStore(
    "N6",
    "entries ends where an entry has gone meanwhile",
    "an entry that is there throughout is listed, with a value that",
    (store) => ({
      async *entries(options) {
        for await (const key of store.keys(options)) {
          const value = await store.get(key);
          if (value === undefined) return;
          yield [key, value];
        }
      },
    }),
  ),
  brokenStore(
    "N6",
    "entries gives every entry again that was set since",
    "entries ends even while others write without end",
    (store) => ({
      async *entries(options) {
        const given = new Set<string>();
        for (let fresh = true; fresh; ) {
          fresh = false;
          for await (const entry of store.entries(options)) {
            if (given.has(entry[0])) continue;
            given.add(entry[0]);
            fresh = true;
            yield entry;
          }
        }
      },
    }),
  ),
  brokenStore(
    "N6",
    "a listing of entries that was left goes on where it was",
    "entries may be left early, again and again, and all goes on",
    (store) => {
      let left: AsyncIterator<Entry> | undefined;
      return {
        async *entries(options) {
          left ??= store.entries(options)[Symbol.asyncIterator]();
          for (;;) {
            const next = await left.next();
            if (next.done === true) break;
            yield next.value;
          }
          left = undefined;
        },
      };
    },
  ),
  brokenStore(
    "N6",
    "entries hides damage",
    "a damaged entry hides no other: entries rejects with",
    (store) => ({
      async *entries(options) {
        try {
          yield* store.entries(options);
        } catch (error) {
          if (!isStoreError(error, "KV_CORRUPT")) throw error;
        }
      },
    }),
  ),
  brokenStore(
    "N6",
    "entries ends at a damaged one",
    "a damaged entry hides no other: entries rejects with",
    (store) => ({
      async *entries(options) {
        for await (const key of store.keys(options)) {
          const value = await store.get(key);
          if (value !== undefined) yield [key, value];
        }
      },
    }),
  ),
  brokenStore(
    "S3",
    "entries gives views of what was read together",
    "arrays that entries gives are the caller's own, and their",
    (store) => {
      const page = new Uint8Array(1 << 20);
      return {
        async *entries(options) {
          let at = 0;
          for await (const [key, value] of store.entries(options)) {
            page.set(value, at);
            yield [key, page.subarray(at, at + value.length)];
            at += value.length;
          }
        },
      };
    },
  ),
  brokenStore(
    "S4",
    "entries normalises keys",
    "entries lists hostile keys as they are, each with its value",
    (store) => ({
      async *entries(options) {
        for await (const [key, value] of store.entries(options)) yield [key.normalize(), value];
      },
    }),
  ),
  brokenStore(
    "S5",
    "a prefix with a lone surrogate matches nothing",
    "a prefix with a lone surrogate is refused",
    (store) => ({
      async *keys(options) {
        if (typeof options?.prefix !== "string" || options.prefix.isWellFormed()) yield* store.keys(options);
      },
    }),
  ),
  brokenStore(
    "S5",
    "a prefix of another type is turned into text",
    "a prefix that is no string is refused",
    (store) => ({
      keys: (options) =>
        store.keys(options?.prefix === undefined ? options : { ...options, prefix: asText(options.prefix) }),
    }),
  ),
  brokenStore(
    "E1",
    "a listing ignores an option that it does not know",
    "unknown options of listings are refused",
    (store) => ({
      entries: (options) => store.entries({ prefix: options?.prefix }),
    }),
  ),
  brokenStore(
    "S7",
    "entries of a backend that fails are none",
    "while the backend fails listings reject, and do not end as if",
    (store) => ({
      async *entries(options) {
        try {
          yield* store.entries(options);
        } catch (error) {
          if (!isStoreError(error, "KV_UNAVAILABLE")) throw error;
        }
      },
    }),
  ),
  brokenDriver(
    "S7",
    "an error of a read in the middle of entries passes for one that has gone",
    "where the backend fails in the middle of entries they reject, and",
    ({ namespace, data }) => ({
      get: (key) => (data.failing ? undefined : namespace.get(key)),
    }),
  ),
  brokenDriver(
    "T1",
    "a listing with a prefix gives what has expired",
    "an expired entry is gone for keys with a prefix",
    ({ namespace, data, path }) => ({
      async *keys(prefix) {
        if (prefix === "") yield* namespace.keys(prefix);
        else yield [...data.entries(path).keys()];
      },
    }),
  ),
  brokenStore(
    "L2",
    "a listing of entries ends after close",
    "after close listings reject with KV_CLOSED, those that had begun",
    (store) => ({
      async *entries(options) {
        try {
          yield* store.entries(options);
        } catch (error) {
          if (!isStoreError(error, "KV_CLOSED")) throw error;
        }
      },
    }),
  ),
  brokenOpening(
    "capabilities",
    "a store that lists has no entries",
    "the methods of listing are there if it is declared, and only then",
    (opened) => {
      const { entries: _, ...store } = opened.store as unknown as Record<string, unknown>;
      return { ...opened, store: store as unknown as typeof opened.store };
    },
  ),
];
