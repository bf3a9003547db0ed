import { type FullStore, StoreError } from "@kv/core";

export interface FailingStore {
  readonly store: FullStore;
  /** From now on every call of the store and its namespaces rejects with `KV_UNAVAILABLE`, and changes nothing. */
  fail(): void;
  /** Ends `fail`. */
  heal(): void;
}

/** A store before another one that can be told to be down. For backends that cannot fail by themselves. */
export function failingStore(inner: FullStore): FailingStore {
  const outage = { on: false };
  return {
    store: behind(inner, outage),
    fail: () => {
      outage.on = true;
    },
    heal: () => {
      outage.on = false;
    },
  };
}

function behind(inner: FullStore, outage: { readonly on: boolean }): FullStore {
  return new Proxy(inner, {
    get(target, name, receiver): unknown {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      const call = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
      switch (name) {
        case "close":
        case Symbol.asyncDispose:
          return call;
        case "withNamespace":
          return (...args: unknown[]) => behind(call(...args) as FullStore, outage);
        case "keys":
        case "entries":
        case "namespaces":
          return async function* () {
            refuse(outage, name);
            yield* call() as AsyncIterable<string>;
          };
        default:
          return async (...args: unknown[]) => {
            refuse(outage, String(name));
            return call(...args);
          };
      }
    },
  });
}

function refuse(outage: { readonly on: boolean }, operation: string): void {
  if (outage.on) throw new StoreError("KV_UNAVAILABLE", `${operation}: the store was told to be down.`);
}
