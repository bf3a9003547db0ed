import * as fc from "fast-check";
import type { Capability } from "../contract/harness.ts";
import type { CallExpiry, KeyCall } from "./key-call.ts";
import type { ModelPath } from "./store-model.ts";

/** Something to do to a store and to its model. */
export type ModelStep =
  | { readonly kind: "call"; readonly path: ModelPath; readonly call: KeyCall }
  | { readonly kind: "getMany" | "deleteMany"; readonly path: ModelPath; readonly keys: readonly string[] }
  | {
      readonly kind: "setMany";
      readonly path: ModelPath;
      readonly entries: readonly (readonly [string, string])[];
      readonly expiry: CallExpiry;
    }
  | { readonly kind: "deleteAll"; readonly path: ModelPath };

/** Steps that are begun without waiting for one another; then time passes, and the store is listed. */
export interface ModelBurst {
  readonly steps: readonly ModelStep[];
  readonly thenPassMinutes: number;
  readonly thenList: boolean;
}

/** Few, so that steps meet. */
export const modelKeys: readonly string[] = ["a", "a:b"];

const minuteMs = 60_000;

/**
 * Bursts of all that a store can do. Time passes in whole minutes and entries live for halves of one, so that the
 * moments that a call takes make no difference to whether an entry has expired.
 */
export function modelBursts(
  capabilities: readonly Capability[],
  { longestBurst, timePasses }: { readonly longestBurst: number; readonly timePasses: boolean },
): fc.Arbitrary<ModelBurst[]> {
  const able = (capability: Capability): boolean => capabilities.includes(capability);
  const path = able("namespaces")
    ? fc.constantFrom<ModelPath>([], [], ["a"], ["ab"], ["a", "b"])
    : fc.constant<ModelPath>([]);
  const key = fc.constantFrom(...modelKeys);
  const value = fc.constantFrom("", "0", "1", "-41", "01", "x", "9007199254740991", "é");
  const lifeMs = fc.constantFrom(0.5, 1.5, 2.5).map((minutes) => minutes * minuteMs * (timePasses ? 1 : 60));
  const createExpiry = fc.oneof(fc.constant("never" as const), lifeMs);
  const expiry: fc.Arbitrary<CallExpiry> = fc.oneof(createExpiry, fc.constant("keep" as const));

  const calls: fc.Arbitrary<KeyCall>[] = [
    fc.record({ kind: fc.constantFrom("get", "delete", "exists", "expiresIn"), key }),
    fc.record({ kind: fc.constant("set"), key, value, expiry }),
    fc.record({ kind: fc.constant("set"), key, value, expiry }),
    fc.record({ kind: fc.constantFrom("touch", "getAndRenew"), key, renewForMs: lifeMs }),
  ];
  if (able("atomic")) {
    calls.push(
      fc.record({ kind: fc.constant("setIfAbsent"), key, value, expiry: createExpiry }),
      fc.record({
        kind: fc.constant("increment"),
        key,
        by: fc.constantFrom(1, -1, 40),
        expiry: createExpiry,
      }),
      fc.record({ kind: fc.constant("compareAndSet"), key, expected: value, value, expiry }),
      fc.record({ kind: fc.constant("compareAndDelete"), key, expected: value }),
      fc.record({ kind: fc.constant("take"), key }),
    );
  }
  const call = fc.record({ kind: fc.constant("call" as const), path, call: fc.oneof(...calls) });
  const steps: { arbitrary: fc.Arbitrary<ModelStep>; weight: number }[] = [
    { arbitrary: call, weight: 12 },
    { arbitrary: fc.record({ kind: fc.constant("deleteAll"), path }), weight: 1 },
  ];
  if (able("batch")) {
    const keys = fc.array(key, { maxLength: 4 });
    const entries = fc.array(fc.tuple(key, value), { maxLength: 4 });
    steps.push(
      { arbitrary: fc.record({ kind: fc.constantFrom("getMany", "deleteMany"), path, keys }), weight: 2 },
      { arbitrary: fc.record({ kind: fc.constant("setMany"), path, entries, expiry }), weight: 2 },
    );
  }
  return fc.array(
    fc.record({
      steps: fc.array(fc.oneof(...steps), { minLength: 1, maxLength: longestBurst }),
      thenPassMinutes: timePasses ? fc.constantFrom(0, 0, 1, 2) : fc.constant(0),
      thenList: fc.constantFrom(false, false, false, true),
    }),
    // Of this length, not as short as fast-check would rather have them: keys must meet again.
    { minLength: 1, maxLength: Math.ceil(50 / longestBurst), size: "max" },
  );
}
