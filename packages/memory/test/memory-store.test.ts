import { memoryStore } from "@kv/memory";
import type { Harness } from "@kv/testkit";
import { testStore } from "@kv/testkit/vitest";

const harness: Harness = {
  name: "memoryStore",
  capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
  inMemory: true,
  open() {
    let nowMs = 1_000_000;
    const store = memoryStore({ now: () => nowMs });
    return {
      store,
      openImpatient: () => store, // a call is done before it returns: no timeout is too short for it
      advance(ms) {
        nowMs += ms;
      },
      dispose: () => store.close(),
    };
  },
};

testStore(harness);
testStore({
  ...harness,
  name: "memoryStore by its own clock",
  open() {
    const store = memoryStore();
    return { store, openImpatient: () => store, dispose: () => store.close() };
  },
});
