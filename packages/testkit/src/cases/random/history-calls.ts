import * as fc from "fast-check";
import type { StoreCall } from "../../model/store-call.ts";

/** The calls of a kind of history, on such keys. */
export type CallChoice = (key: fc.Arbitrary<string>) => fc.Arbitrary<StoreCall>[];

const hourMs = 3_600_000;
/** Hours apart, and longer than any history lasts: so the time left shows which of them an entry has. */
const lifeMs = fc.constantFrom(hourMs, 2 * hourMs, 3 * hourMs);
const never = fc.constant("never" as const);
const createExpiry = fc.oneof(never, lifeMs);
const expiry = fc.oneof(never, lifeMs, fc.constant("keep" as const));
const value = fc.constantFrom("1", "2", "3", "x");
const by = fc.constantFrom(1, 2);

const reads = fc.constantFrom("get" as const, "get" as const, "exists" as const);
const kind = <K extends string>(...kinds: readonly K[]): fc.Arbitrary<K> => fc.constantFrom(...kinds);

/** Readers of what others leave, and who removes it. */
const readers: CallChoice = (key) => [
  fc.record({ kind: kind("expiresIn"), key }),
  fc.record({ kind: kind("get", "delete"), key }),
];

export const plainCalls: CallChoice = (key) => [
  fc.record({ kind: reads, key }),
  fc.record({ kind: kind("delete"), key }),
  fc.record({ kind: kind("set"), key, value, expiry: never }),
  fc.record({ kind: kind("touch", "getAndRenew"), key, renewForMs: lifeMs }),
];

export const renewals: CallChoice = (key) => [
  ...readers(key),
  fc.record({ kind: kind("set"), key, value, expiry }),
  fc.record({ kind: kind("touch", "getAndRenew"), key, renewForMs: lifeMs }),
];

export const atomicCalls: CallChoice = (key) => [
  ...plainCalls(key),
  fc.record({ kind: kind("setIfAbsent"), key, value, expiry: never }),
  fc.record({ kind: kind("increment"), key, by, expiry: never }),
  fc.record({ kind: kind("compareAndSet"), key, expected: value, value, expiry }),
  fc.record({ kind: kind("compareAndDelete"), key, expected: value }),
  fc.record({ kind: kind("take"), key }),
];

export const increments: CallChoice = (key) => {
  const one = fc.record({ kind: kind("increment"), key, by, expiry: lifeMs });
  return [...readers(key), one, one, fc.record({ kind: kind("set"), key, value, expiry: never })];
};

export const creations: CallChoice = (key) => {
  const one = fc.record({ kind: kind("setIfAbsent"), key, value, expiry: createExpiry });
  return [...readers(key), one, one, fc.record({ kind: kind("set"), key, value, expiry: never })];
};

/** What comes between the two halves of a `take` that is none in one step. */
export const takes: CallChoice = (key) => [
  fc.record({ kind: kind("take", "take", "delete"), key }),
  fc.record({ kind: kind("set"), key, value, expiry: never }),
  fc.record({ kind: kind("setIfAbsent"), key, value, expiry: never }),
  fc.record({ kind: kind("compareAndSet"), key, expected: value, value, expiry: never }),
];

export const batches: CallChoice = (key) => {
  const some = fc.array(key, { maxLength: 3 });
  return [
    fc.record({ kind: reads, key }),
    fc.record({ kind: kind("set"), key, value, expiry: createExpiry }),
    fc.record({ kind: kind("getMany", "getMany", "deleteMany"), keys: some }),
    fc.record({ kind: kind("setMany"), entries: fc.array(fc.tuple(key, value), { maxLength: 3 }), expiry }),
    fc.record({ kind: kind("expiresIn"), key }),
  ];
};

export const removals: CallChoice = (key) => [
  fc.record({ kind: reads, key }),
  fc.record({ kind: kind("set"), key, value, expiry: createExpiry }),
  fc.record({ kind: kind("deleteAll", "deleteAll") }),
];
