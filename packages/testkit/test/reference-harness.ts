import type { FullStore } from "@kv/core";
import { createStore } from "@kv/core/driver";
import type { Harness, Opened } from "@kv/testkit";
import { ReferenceData, referenceDriver } from "./reference-driver.ts";
import { ReferenceStore } from "./reference-store.ts";

/** The reference driver, with everything that a harness can have but another process. */
export const referenceDriverHarness: Harness = {
  name: "reference driver",
  capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
  inMemory: true,
  golden: [
    {
      version: "1.0.0",
      open() {
        const data = new ReferenceData();
        data
          .entries(["users"])
          .set("ada", { bytes: Uint8Array.of(1, 2), expiresAtMs: Number.POSITIVE_INFINITY });
        return { store: createStore(referenceDriver(data)) };
      },
      entries: [{ namespace: ["users"], key: "ada", value: Uint8Array.of(1, 2) }],
    },
  ],
  open: () =>
    openedOver((data, rootPath, timeoutMs) =>
      createStore(referenceDriver(data, rootPath), { timeout: `${timeoutMs}ms` }),
    ),
};

/** A whole store, with nothing but what every store has. */
export const referenceStoreHarness: Harness = {
  name: "reference store",
  capabilities: [],
  inMemory: true,
  open: () => ({ store: new ReferenceStore() }),
};

/** A reference whose `set` without options keeps the expiry: it breaks T2. */
export const keepsExpiry: Harness = {
  ...referenceDriverHarness,
  name: "keepsExpiry",
  open() {
    const driver = referenceDriver(new ReferenceData());
    const set = driver.root.set.bind(driver.root);
    driver.root.set = (key, value, expiry) =>
      set(key, value, expiry === Number.POSITIVE_INFINITY ? "keep" : expiry);
    return { store: createStore(driver) };
  },
};

const patientMs = 60_000;

/** What opens over data of its own, with every way to trouble it. */
export function openedOver(
  openOn: (data: ReferenceData, rootPath: readonly string[] | null, timeoutMs: number) => FullStore,
  data: ReferenceData = new ReferenceData(),
): Opened {
  return {
    store: openOn(data, [], patientMs),
    openAgain: () => openOn(data, [], patientMs),
    openImpatient: (timeoutMs) => openOn(data, [], timeoutMs),
    openWithoutNamespace: () => openOn(data, null, patientMs),
    advance(ms) {
      data.nowMs += ms;
    },
    damage(key) {
      const entry = data.entries([]).get(key);
      if (entry !== undefined) entry.damaged = true;
    },
    fail() {
      data.failing = true;
      return () => {
        data.failing = false;
      };
    },
    untouched: () => !data.touched,
  };
}
