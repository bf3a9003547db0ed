import type { Duration, FullStore } from "@kv/core";
import type { Need } from "../../contract/contract-case.ts";
import type { RuleId } from "../../contract/rules.ts";

/** A call that gives an entry its expiry. The entry holds `1` before, where it is there, and after. */
export interface ExpiryWay {
  readonly needs?: readonly Need[];
  /** Makes the entry that the call needs, if it needs one. */
  readonly prepare?: (store: FullStore, key: string) => Promise<void>;
  readonly give: (store: FullStore, key: string, duration: Duration) => Promise<unknown>;
  /** The rule that says that it replaces an older expiry. Without it the call is for what is not there yet. */
  readonly replaces?: RuleId;
}

const setForADay: ExpiryWay["prepare"] = (store, key) => store.set(key, "1", { expiresIn: "1d" });
const setForever: ExpiryWay["prepare"] = (store, key) => store.set(key, "1");

/** Every way in which an entry with an expiry comes about. */
export const expiryWays: Readonly<Record<string, ExpiryWay>> = {
  set: { replaces: "T2", give: (store, key, expiresIn) => store.set(key, "1", { expiresIn }) },
  "set over an endless entry": {
    prepare: setForever,
    give: (store, key, expiresIn) => store.set(key, "1", { expiresIn }),
  },
  touch: {
    replaces: "T3",
    prepare: setForADay,
    give: (store, key, renewFor) => store.touch(key, renewFor),
  },
  "get with renewFor": {
    replaces: "T3",
    prepare: setForADay,
    give: (store, key, renewFor) => store.get(key, { renewFor }),
  },
  setMany: {
    needs: ["batch"],
    replaces: "T2",
    give: (store, key, expiresIn) =>
      store.setMany(
        [
          [key, "1"],
          [`${key}, beside it`, "1"],
        ],
        { expiresIn },
      ),
  },
  setIfAbsent: {
    needs: ["atomic"],
    give: (store, key, expiresIn) => store.setIfAbsent(key, "1", { expiresIn }),
  },
  increment: { needs: ["atomic"], give: (store, key, expiresIn) => store.increment(key, { expiresIn }) },
  compareAndSet: {
    needs: ["atomic"],
    replaces: "A3",
    prepare: setForever,
    give: (store, key, expiresIn) => store.compareAndSet(key, "1", "1", { expiresIn }),
  },
};
