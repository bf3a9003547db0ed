import { memoryStore } from "@kv/memory";
import type { Harness } from "@kv/testkit";

/** A harness as an author would write it, made by a function. */
export default async function memory(): Promise<Harness> {
  return {
    name: "memoryStore",
    capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
    inMemory: true,
    open() {
      let nowMs = 1_000_000;
      return {
        store: memoryStore({ now: () => nowMs }),
        advance(ms) {
          nowMs += ms;
        },
      };
    },
  };
}
