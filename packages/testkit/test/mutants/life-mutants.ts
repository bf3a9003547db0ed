import { StoreError } from "@kv/core";
import { brokenOpening, brokenStore, changedStore, type Mutant } from "./mutant.ts";

export const lifeMutants: readonly Mutant[] = [
  brokenStore(
    "L1",
    "a namespace that is closed closes its parent",
    "closing a namespace leaves its parent, its siblings and other",
    (store) => ({
      withNamespace(name) {
        const child = store.withNamespace(name);
        return changedStore(child, () => ({ close: () => store.close() }));
      },
    }),
  ),
  brokenStore(
    "L1",
    "a namespace goes on after its parent was closed",
    "closing a namespace leaves its parent, its siblings and other",
    (store) => {
      return { close: async () => void store };
    },
  ),
  brokenStore(
    "L2",
    "a second close is an error",
    "close may be called again, at the same time and later",
    (store) => {
      let closed = false;
      return {
        async close() {
          if (closed) throw new StoreError("KV_CLOSED", "close: it was closed already.");
          closed = true;
          await store.close();
        },
      };
    },
  ),
  brokenStore("L2", "after close a read is a miss", "[Symbol.asyncDispose] closes", (store) => {
    let closed = false;
    return {
      get: (key, options) => (closed ? Promise.resolve(undefined) : store.get(key, options)),
      close() {
        closed = true;
        return store.close();
      },
    };
  }),
  brokenStore("L2", "after close a write passes for done", "[Symbol.asyncDispose] closes", (store) => {
    let closed = false;
    return {
      set: (key, value, options) => (closed ? Promise.resolve() : store.set(key, value, options)),
      close() {
        closed = true;
        return store.close();
      },
    };
  }),
  brokenOpening(
    "L4",
    "opening a store touches the backend",
    "a store does nothing before its first call, nor do its",
    (opened) => {
      void opened.store.exists("ping");
      return opened;
    },
  ),
  brokenStore(
    "E1",
    "an option of another library is ignored",
    "unknown options are refused, and nothing is written",
    (store) => ({
      set: (key, value, options) =>
        store.set(
          key,
          value,
          Object.fromEntries(
            Object.entries(options ?? {}).filter(([name]) => name === "expiresIn" || name === "keepExpiry"),
          ),
        ),
    }),
  ),
  brokenStore(
    "E1",
    "what cannot be counted is a plain Error",
    "what is no mistake in the call is a StoreError with a code",
    (store) => ({
      increment: (key, options) =>
        store.increment(key, options).catch((error: Error) => {
          throw error instanceof StoreError ? new Error(error.message) : error;
        }),
    }),
  ),
  brokenStore(
    "E1",
    "a step that is no integer is rounded",
    "what increment cannot add is refused",
    (store) => ({
      increment: (key, options) =>
        store.increment(
          key,
          options?.by === undefined ? options : { ...options, by: Math.round(options.by) },
        ),
    }),
  ),
  brokenStore(
    "E2",
    "the message shows the key",
    "no value and no whole key stands in the error of an increment",
    (store) => ({
      increment: (key, options) =>
        store.increment(key, options).catch((error: Error) => {
          throw error instanceof StoreError
            ? new StoreError(error.code, `increment of ${key}: ${error.message}`)
            : error;
        }),
    }),
  ),
  brokenStore(
    "E2",
    "the cause has the arguments attached, values included",
    "no value and no whole key stands in the error of a closed store",
    (store) => ({
      set: (key, value, options) =>
        store.set(key, value, options).catch((error: Error) => {
          if (!(error instanceof StoreError)) throw error;
          const cause = Object.assign(new Error("command failed"), {
            command: { name: "set", args: [key, value] },
          });
          throw new StoreError(error.code, error.message, { cause });
        }),
    }),
  ),
  brokenStore(
    "E2",
    "the message does not say what was tried",
    "the message of a StoreError names the operation",
    (store) => ({
      get: (key, options) =>
        store.get(key, options).catch((error: Error) => {
          throw error instanceof StoreError ? new StoreError(error.code, "It failed.") : error;
        }),
    }),
  ),
  brokenOpening(
    "capabilities",
    "a declared capability is missing",
    "the methods of batch are there if it is declared, and only then",
    (opened) => {
      const { getMany: _, ...store } = opened.store as unknown as Record<string, unknown>;
      return { ...opened, store: store as unknown as typeof opened.store };
    },
  ),
  brokenStore(
    "capabilities",
    "a namespace can do less than its root",
    "the methods of atomic are there if it is declared, and only then",
    (store) => ({
      withNamespace(name) {
        const { increment: _, ...child } = store.withNamespace(name);
        return child as typeof store;
      },
    }),
  ),
];
