import type { Duration, FullStore, Value } from "@kv/core";
import type { Need } from "../../contract/contract-case.ts";

/** The calls that take an argument of one kind, by the capability that they need. */
export interface CallsWith<A> {
  /** Ends a title: ` by batches`. */
  readonly by: string;
  readonly needs: readonly Need[];
  readonly calls: Readonly<Record<string, (store: FullStore, argument: A) => Promise<unknown>>>;
}

/** Every method that takes a key. Where a second key is passed it is `kept`, a good one. */
export const callsWithKey: readonly CallsWith<string>[] = [
  {
    by: "",
    needs: [],
    calls: {
      get: (store, key) => store.get(key),
      "get with renewFor": (store, key) => store.get(key, { renewFor: "1h" }),
      set: (store, key) => store.set(key, "written"),
      touch: (store, key) => store.touch(key, "1h"),
      delete: (store, key) => store.delete(key),
      exists: (store, key) => store.exists(key),
      expiresIn: (store, key) => store.expiresIn(key),
    },
  },
  {
    by: " by batches",
    needs: ["batch"],
    calls: {
      getMany: (store, key) => store.getMany(["kept", key]),
      setMany: (store, key) =>
        store.setMany([
          ["kept", "written"],
          [key, "written"],
        ]),
      deleteMany: (store, key) => store.deleteMany(["kept", key]),
    },
  },
  {
    by: " by atomic steps",
    needs: ["atomic"],
    calls: {
      increment: (store, key) => store.increment(key),
      setIfAbsent: (store, key) => store.setIfAbsent(key, "written"),
      compareAndSet: (store, key) => store.compareAndSet(key, "before", "written"),
      compareAndDelete: (store, key) => store.compareAndDelete(key, "before"),
      take: (store, key) => store.take(key),
    },
  },
];

/** Every method that takes a value, on the key `kept`. */
export const callsWithValue: readonly CallsWith<Value>[] = [
  { by: "", needs: [], calls: { set: (store, value) => store.set("kept", value) } },
  {
    by: " by batches",
    needs: ["batch"],
    calls: {
      setMany: (store, value) =>
        store.setMany([
          ["kept", "written"],
          ["other", value],
        ]),
    },
  },
  {
    by: " by atomic steps",
    needs: ["atomic"],
    calls: {
      setIfAbsent: (store, value) => store.setIfAbsent("other", value),
      "compareAndSet to it": (store, value) => store.compareAndSet("kept", "before", value),
      "compareAndSet from it": (store, value) => store.compareAndSet("kept", value, "written"),
      compareAndDelete: (store, value) => store.compareAndDelete("kept", value),
    },
  },
];

/** Every method that takes a duration, on the key `kept`. */
export const callsWithDuration: readonly CallsWith<Duration>[] = [
  {
    by: "",
    needs: [],
    calls: {
      "set with expiresIn": (store, expiresIn) => store.set("kept", "written", { expiresIn }),
      "get with renewFor": (store, renewFor) => store.get("kept", { renewFor }),
      touch: (store, renewFor) => store.touch("kept", renewFor),
    },
  },
  {
    by: " by batches",
    needs: ["batch"],
    calls: {
      "setMany with expiresIn": (store, expiresIn) => store.setMany([["kept", "written"]], { expiresIn }),
    },
  },
  {
    by: " by atomic steps",
    needs: ["atomic"],
    calls: {
      "increment with expiresIn": (store, expiresIn) => store.increment("other", { expiresIn }),
      "setIfAbsent with expiresIn": (store, expiresIn) =>
        store.setIfAbsent("other", "written", { expiresIn }),
      "compareAndSet with expiresIn": (store, expiresIn) =>
        store.compareAndSet("kept", "before", "written", { expiresIn }),
    },
  },
];

/** Every method that takes options, on the key `kept`. */
export const callsWithOptions: readonly CallsWith<object>[] = [
  {
    by: "",
    needs: [],
    calls: {
      get: (store, options) => store.get("kept", options),
      set: (store, options) => store.set("kept", "written", options),
    },
  },
  {
    by: " by batches",
    needs: ["batch"],
    calls: { setMany: (store, options) => store.setMany([["kept", "written"]], options) },
  },
  {
    by: " by atomic steps",
    needs: ["atomic"],
    calls: {
      increment: (store, options) => store.increment("other", options),
      setIfAbsent: (store, options) => store.setIfAbsent("other", "written", options),
      compareAndSet: (store, options) => store.compareAndSet("kept", "before", "written", options),
    },
  },
];
