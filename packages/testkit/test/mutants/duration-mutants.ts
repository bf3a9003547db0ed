import type { Duration } from "@kv/core";
import { bytesOf, type Expiry, type FullDriverNamespace, sameBytes } from "@kv/core/driver";
import type { RuleId } from "@kv/testkit";
import { driverMutant, type Mutant, storeMutant, sync } from "./mutant.ts";

const none = Number.POSITIVE_INFINITY;
const dayMs = 86_400_000;
const longestTimerMs = 2 ** 31 - 1;

/** A moment in 2027 at which the clock of the reference began, for ends that are dates. */
const beganAtMs = 1_800_000_000_000;

type Timed = "set" | "setMany" | "setIfAbsent" | "compareAndSet" | "increment" | "touch" | "getAndRenew";

/** A method that understands its duration in another way. */
function told(rule: RuleId, flaw: string, method: Timed, toldMs: (ms: number) => number): Mutant {
  return driverMutant(rule, flaw, ({ namespace }) => ({ [method]: timed(namespace, toldMs)[method] }));
}

function timed(
  namespace: FullDriverNamespace,
  toldMs: (ms: number) => number,
): Pick<FullDriverNamespace, Timed> {
  const expiryOf = (expiry: Expiry): Expiry => (expiry === "keep" ? expiry : toldMs(expiry));
  return {
    set: (key, value, expiry) => namespace.set(key, value, expiryOf(expiry)),
    setMany: (entries, expiry) => namespace.setMany(entries, expiryOf(expiry)),
    setIfAbsent: (key, value, ms) => namespace.setIfAbsent(key, value, toldMs(ms)),
    compareAndSet: (key, expected, value, expiry) =>
      namespace.compareAndSet(key, expected, value, expiryOf(expiry)),
    increment: (key, by, ms) => namespace.increment(key, by, toldMs(ms)),
    touch: (key, ms) => namespace.touch(key, toldMs(ms)),
    getAndRenew: (key, ms) => namespace.getAndRenew(key, toldMs(ms)),
  };
}

/** A renewal that is left out where it seems not to be worth it. */
function lazy(
  flaw: string,
  method: "touch" | "getAndRenew",
  isWorthIt: (renewForMs: number, leftMs: number) => boolean,
): Mutant {
  return driverMutant("T3", flaw, ({ namespace, data, path }) => {
    const isSkipped = (key: string, renewForMs: number): boolean => {
      const entry = data.find(path, key);
      return entry !== undefined && !isWorthIt(renewForMs, entry.expiresAtMs - data.nowMs);
    };
    const renewal: Pick<FullDriverNamespace, "touch" | "getAndRenew"> = {
      touch: (key, ms) => (isSkipped(key, ms) ? namespace.exists(key) : namespace.touch(key, ms)),
      getAndRenew: (key, ms) => (isSkipped(key, ms) ? namespace.get(key) : namespace.getAndRenew(key, ms)),
    };
    return { [method]: renewal[method] };
  });
}

/** Less than half a millisecond, as a number of seconds or as text. */
function isTiny(duration: Duration | undefined): boolean {
  if (typeof duration === "number") return duration > 0 && duration < 0.0005;
  return typeof duration === "string" && /^0?\.[0-4]\d*ms$/.test(duration);
}

const seconds = {
  down: (ms: number) => (ms === none ? ms : Math.max(1, Math.floor(ms / 1_000)) * 1_000),
  up: (ms: number) => (ms === none ? ms : Math.ceil(ms / 1_000) * 1_000),
};

export const durationMutants: readonly Mutant[] = [
  told("T1", "the end that set gives is kept in 32 bits of floating point", "set", (ms) =>
    ms === none ? ms : Math.fround(beganAtMs + ms) - beganAtMs,
  ),
  told("T1", "setIfAbsent cuts its duration to whole seconds, at least one", "setIfAbsent", seconds.down),
  told("T1", "setIfAbsent of less than a second has no expiry", "setIfAbsent", (ms) =>
    ms < 1_000 ? none : ms,
  ),
  told("T1", "setMany rounds its duration up to whole seconds", "setMany", seconds.up),
  told("T1", "a window that increment creates lasts whole seconds, at least one", "increment", seconds.down),
  told("T5", "setIfAbsent counts milliseconds in 32 bits", "setIfAbsent", (ms) =>
    ms === none ? ms : ms | 0,
  ),
  told("T5", "compareAndSet with more than 2^31 ms fires its timer after 1 ms", "compareAndSet", (ms) =>
    ms !== none && ms > longestTimerMs ? 1 : ms,
  ),
  told("T5", "increment takes more than 30 days for a date in 1970", "increment", (ms) =>
    ms !== none && ms > 30 * dayMs ? 0 : ms,
  ),
  told("T5", "touch moves an expiry by 2^31 ms at most", "touch", (ms) =>
    ms === none ? ms : Math.min(ms, longestTimerMs),
  ),
  told("T5", "get with renewFor moves an expiry by 30 days at most", "getAndRenew", (ms) =>
    ms === none ? ms : Math.min(ms, 30 * dayMs),
  ),
  told("T5", "what setMany sets ends in 2038 at the latest", "setMany", (ms) =>
    ms === none ? ms : Math.min(ms, longestTimerMs * 1_000 - beganAtMs),
  ),
  told("T5", "get with renewFor: Infinity ends the entry", "getAndRenew", (ms) => (ms === none ? 0 : ms)),
  driverMutant("T5", "touch by Infinity leaves the expiry as it is", ({ namespace }) => ({
    touch: (key, ms) => (ms === none ? namespace.exists(key) : namespace.touch(key, ms)),
  })),
  storeMutant("T5", "setMany with expiresIn: Infinity lives for a thousand years", (store) => ({
    setMany: (entries, options) =>
      store.setMany(entries, isEndless(options?.expiresIn) ? { expiresIn: "365000d" } : options),
  })),
  storeMutant("T5", "setIfAbsent refuses expiresIn: Infinity", (store) => ({
    setIfAbsent: async (key, value, options) => {
      if (isEndless(options?.expiresIn)) throw new RangeError("expiresIn must be finite.");
      return store.setIfAbsent(key, value, options);
    },
  })),
  storeMutant("T5", "increment with expiresIn: Infinity creates what ends in 68 years", (store) => ({
    increment: (key, options) =>
      store.increment(
        key,
        isEndless(options?.expiresIn) ? { ...options, expiresIn: longestTimerMs } : options,
      ),
  })),
  storeMutant("T5", "setIfAbsent rounds 0.4 ms to 0, which is no expiry", (store) => ({
    setIfAbsent: (key, value, options) =>
      store.setIfAbsent(key, value, isTiny(options?.expiresIn) ? {} : options),
  })),
  storeMutant("T5", "increment rounds 0.4 ms to 0, which is no expiry", (store) => ({
    increment: (key, options) =>
      store.increment(key, isTiny(options?.expiresIn) ? { ...options, expiresIn: undefined } : options),
  })),
  storeMutant("T5", "setMany rounds 0.4 ms to 0, and refuses it", (store) => ({
    setMany: async (entries, options) => {
      if (isTiny(options?.expiresIn)) throw new RangeError("expiresIn must be positive.");
      return store.setMany(entries, options);
    },
  })),
  storeMutant("T5", "get rounds a renewFor of 0.4 ms to 0, and renews nothing", (store) => ({
    get: (key, options) => store.get(key, isTiny(options?.renewFor) ? {} : options),
  })),
  storeMutant("T5", "touch rounds 0.4 ms to 0, and removes the expiry", (store) => ({
    touch: (key, renewFor) => store.touch(key, isTiny(renewFor) ? none : renewFor),
  })),

  told("T3", "touch rounds up to whole seconds", "touch", seconds.up),
  told("T3", "get with renewFor cuts to whole seconds, at least one", "getAndRenew", seconds.down),
  lazy("get with renewFor only ever lengthens", "getAndRenew", (renewForMs, leftMs) => renewForMs > leftMs),
  lazy("touch leaves out a gain of less than a second", "touch", (renewForMs, leftMs) => {
    const gainMs = renewForMs - leftMs;
    return gainMs <= 0 || gainMs >= 1_000;
  }),
  lazy("get with renewFor leaves out a gain of less than a second", "getAndRenew", (renewForMs, leftMs) => {
    const gainMs = renewForMs - leftMs;
    return gainMs <= 0 || gainMs >= 1_000;
  }),
  lazy("touch renews only what has less than half of its time left", "touch", (renewForMs, leftMs) => {
    return renewForMs < leftMs || leftMs < renewForMs / 2;
  }),
  lazy("get with renewFor shortens by a tenth or more only", "getAndRenew", (renewForMs, leftMs) => {
    return renewForMs >= leftMs || renewForMs <= leftMs * 0.9;
  }),
  driverMutant("T3", "get with renewFor adds to what is left", ({ namespace, data, path }) => ({
    getAndRenew(key, ms) {
      const leftMs = (data.find(path, key)?.expiresAtMs ?? none) - data.nowMs;
      return namespace.getAndRenew(key, leftMs === none ? ms : leftMs + ms);
    },
  })),
  driverMutant("T3", "touch gives an expiry to what had none", ({ namespace, data, path }) => ({
    touch(key, ms) {
      const entry = data.find(path, key);
      if (entry !== undefined) entry.expiresAtMs = data.nowMs + ms;
      return namespace.exists(key);
    },
  })),
  driverMutant("T3", "touch of what has no expiry says that there is no entry", ({ namespace }) => ({
    touch: (key, ms) => sync(namespace.touch(key, ms)) && sync(namespace.expiresInMs(key)) !== none,
  })),
  driverMutant("T3", "get with the renewFor that was given last renews nothing", ({ namespace }) => {
    const lastMs = new Map<string, number>();
    return {
      getAndRenew(key, ms) {
        if (lastMs.get(key) === ms) return namespace.get(key);
        lastMs.set(key, ms);
        return namespace.getAndRenew(key, ms);
      },
    };
  }),

  driverMutant("T4", "the time left is rounded up to whole seconds", ({ namespace }) => ({
    expiresInMs(key) {
      const leftMs = sync(namespace.expiresInMs(key));
      return leftMs === undefined ? undefined : seconds.up(leftMs);
    },
  })),
  driverMutant("T4", "the time left stands still once it was asked for", ({ namespace, data, path }) => {
    const answers = new Map<string, { readonly expiresAtMs: number; readonly leftMs: number }>();
    return {
      expiresInMs(key) {
        const leftMs = sync(namespace.expiresInMs(key));
        const expiresAtMs = data.find(path, key)?.expiresAtMs;
        if (leftMs === undefined || expiresAtMs === undefined) return undefined;
        const answer = answers.get(key);
        if (answer?.expiresAtMs === expiresAtMs) return answer.leftMs;
        answers.set(key, { expiresAtMs, leftMs });
        return leftMs;
      },
    };
  }),
  driverMutant("T4", "no expiry is told as -1, as the protocol does", ({ namespace }) => ({
    expiresInMs(key) {
      const leftMs = sync(namespace.expiresInMs(key));
      return leftMs === none ? -1 : leftMs;
    },
  })),
  driverMutant("T4", "the time left is 2^31 ms at most", ({ namespace }) => ({
    expiresInMs(key) {
      const leftMs = sync(namespace.expiresInMs(key));
      return leftMs === undefined || leftMs === none ? leftMs : Math.min(leftMs, longestTimerMs);
    },
  })),

  driverMutant("T2", "setMany without options keeps the expiry", ({ namespace }) => ({
    setMany: (entries, expiry) => namespace.setMany(entries, expiry === none ? "keep" : expiry),
  })),
  driverMutant("T2", "setMany with keepExpiry removes the expiry", ({ namespace }) => ({
    setMany: (entries, expiry) => namespace.setMany(entries, expiry === "keep" ? none : expiry),
  })),
  driverMutant("T2", "setMany with keepExpiry gives all the expiry of the first", ({ namespace }) => ({
    setMany(entries, expiry) {
      if (expiry !== "keep") return namespace.setMany(entries, expiry);
      const [first] = entries.keys();
      const leftMs = first === undefined ? undefined : sync(namespace.expiresInMs(first));
      return namespace.setMany(entries, leftMs ?? none);
    },
  })),
  driverMutant("T2", "keepExpiry begins the life of an entry anew", ({ namespace, data, path }) => {
    const livesMs = new Map<string, number>();
    return {
      set(key, value, expiry) {
        if (expiry !== "keep") livesMs.set(key, expiry);
        const isTimed = (data.find(path, key)?.expiresAtMs ?? none) !== none;
        return namespace.set(
          key,
          value,
          expiry === "keep" && isTimed ? (livesMs.get(key) ?? "keep") : expiry,
        );
      },
    };
  }),
  driverMutant("T2", "keepExpiry keeps whole seconds, rounded up", ({ namespace }) => ({
    set(key, value, expiry) {
      const leftMs = expiry === "keep" ? sync(namespace.expiresInMs(key)) : undefined;
      return namespace.set(key, value, leftMs === undefined ? expiry : seconds.up(leftMs));
    },
  })),
  storeMutant("T2", "of expiresIn and keepExpiry setMany takes expiresIn without a word", (store) => ({
    setMany: (entries, options) =>
      store.setMany(
        entries,
        options?.expiresIn === undefined ? options : { ...options, keepExpiry: undefined },
      ),
  })),
  storeMutant("T2", "of expiresIn and keepExpiry compareAndSet takes keepExpiry without a word", (store) => ({
    compareAndSet: (key, expected, value, options) =>
      store.compareAndSet(
        key,
        expected,
        value,
        (options as { keepExpiry?: unknown } | undefined)?.keepExpiry === true
          ? { keepExpiry: true }
          : options,
      ),
  })),

  driverMutant(
    "A2",
    "setIfAbsent that did not write gives its expiry all the same",
    ({ namespace, data, path }) => ({
      setIfAbsent(key, value, ms) {
        const wrote = namespace.setIfAbsent(key, value, ms);
        const entry = data.find(path, key);
        if (entry !== undefined && ms !== none) entry.expiresAtMs = data.nowMs + ms;
        return wrote;
      },
    }),
  ),
  driverMutant("A3", "compareAndSet that fails removes the expiry", ({ namespace, data, path }) => ({
    compareAndSet(key, expected, value, expiry) {
      const wrote = sync(namespace.compareAndSet(key, expected, value, expiry));
      const entry = data.find(path, key);
      if (!wrote && entry !== undefined) entry.expiresAtMs = none;
      return wrote;
    },
  })),
  driverMutant(
    "A3",
    "compareAndSet that fails gives its expiry all the same",
    ({ namespace, data, path }) => ({
      compareAndSet(key, expected, value, expiry) {
        const wrote = sync(namespace.compareAndSet(key, expected, value, expiry));
        const entry = data.find(path, key);
        if (entry !== undefined && expiry !== "keep" && expiry !== none)
          entry.expiresAtMs = data.nowMs + expiry;
        return wrote;
      },
    }),
  ),
  told("A3", "compareAndSet with less than a second gives no expiry", "compareAndSet", (ms) =>
    ms < 1_000 ? none : ms,
  ),
  driverMutant("A3", "compareAndSet with keepExpiry removes the expiry", ({ namespace }) => ({
    compareAndSet: (key, expected, value, expiry) =>
      namespace.compareAndSet(key, expected, value, expiry === "keep" ? none : expiry),
  })),
  driverMutant("A3", "compareAndSet to the value that is there changes no expiry", ({ namespace }) => ({
    compareAndSet: (key, expected, value, expiry) =>
      namespace.compareAndSet(
        key,
        expected,
        value,
        sameBytes(bytesOf(expected), bytesOf(value)) ? "keep" : expiry,
      ),
  })),

  driverMutant("A1", "increment tells the duration it was given for the time left", ({ namespace }) => ({
    increment: (key, by, ms) => ({ ...sync(namespace.increment(key, by, ms)), expiresInMs: ms }),
  })),
  driverMutant("A1", "increment tells the time left in whole seconds, rounded up", ({ namespace }) => ({
    increment(key, by, ms) {
      const counted = sync(namespace.increment(key, by, ms));
      return { ...counted, expiresInMs: seconds.up(counted.expiresInMs) };
    },
  })),
  driverMutant("A1", "increment tells -1 where there is no expiry", ({ namespace }) => ({
    increment(key, by, ms) {
      const counted = sync(namespace.increment(key, by, ms));
      return { ...counted, expiresInMs: counted.expiresInMs === none ? -1_000 : counted.expiresInMs };
    },
  })),
  driverMutant(
    "A1",
    "increment gives its expiry to a counter that had none",
    ({ namespace, data, path }) => ({
      increment(key, by, ms) {
        const counted = sync(namespace.increment(key, by, ms));
        const entry = data.find(path, key);
        if (entry?.expiresAtMs !== none || ms === none) return counted;
        entry.expiresAtMs = data.nowMs + ms;
        return { ...counted, expiresInMs: ms };
      },
    }),
  ),
];

function isEndless(duration: Duration | undefined): boolean {
  return duration === none;
}
