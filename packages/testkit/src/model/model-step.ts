import * as fc from "fast-check";
import type { Capability } from "../contract/harness.ts";
import { inspect } from "../support/inspect.ts";
import type { CallExpiry, KeyCall } from "./key-call.ts";
import { inspectCall, keyCallsOf, type StoreCall } from "./store-call.ts";
import type { ModelPath } from "./store-model.ts";

/** Something to do to a store and to its model. */
export interface ModelStep {
  readonly path: ModelPath;
  readonly call: StoreCall;
}

/** Steps that are begun without waiting for one another; then time passes, and the store is listed. */
export interface ModelBurst {
  readonly steps: readonly ModelStep[];
  readonly thenPassMinutes: number;
  readonly thenList: boolean;
}

/** Few, so that steps meet. */
const modelKeys: readonly string[] = ["a", "a:b"];

/** The root, and namespaces that are easily taken for one another. */
const modelPaths: readonly ModelPath[] = [[], ["a"], ["ab"], ["a", "b"]];

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
    ? fc.oneof(
        { weight: 2, arbitrary: fc.constant<ModelPath>([]) },
        { weight: 1, arbitrary: fc.constantFrom(...modelPaths.slice(1)) },
      )
    : fc.constant<ModelPath>([]);
  const key = fc.constantFrom(...modelKeys);
  const value = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom("", "0", "1", "é") },
    { weight: 1, arbitrary: fc.constantFrom("-41", "01", "-0", "+1", "1.0") },
    { weight: 1, arbitrary: fc.constantFrom("9007199254740991", "-9007199254740991") },
  );
  const lifeMs = fc
    .constantFrom(0.5, 1.5, 2.5, 9.5)
    .map((minutes) => minutes * minuteMs * (timePasses ? 1 : 60));
  const createExpiry = fc.oneof(fc.constant("never" as const), lifeMs, lifeMs);
  const expiry: fc.Arbitrary<CallExpiry> = fc.oneof(createExpiry, createExpiry, fc.constant("keep" as const));

  const keyCalls: fc.Arbitrary<KeyCall>[] = [
    fc.record({ kind: fc.constantFrom("get", "delete", "exists", "expiresIn"), key }),
    fc.record({ kind: fc.constant("set"), key, value, expiry }),
    fc.record({ kind: fc.constant("set"), key, value, expiry }),
    fc.record({ kind: fc.constant("touch"), key, renewForMs: lifeMs }),
    fc.record({ kind: fc.constant("getAndRenew"), key, renewForMs: lifeMs }),
  ];
  if (able("atomic")) {
    keyCalls.push(
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
  const calls: { arbitrary: fc.Arbitrary<StoreCall>; weight: number }[] = [
    { arbitrary: fc.oneof(...keyCalls), weight: 24 },
    { arbitrary: fc.record({ kind: fc.constant("deleteAll") }), weight: 1 },
  ];
  if (able("batch")) {
    const keys = fc.array(key, { maxLength: 4 });
    const entries = fc.array(fc.tuple(key, value), { maxLength: 4 });
    calls.push(
      { arbitrary: fc.record({ kind: fc.constantFrom("getMany", "deleteMany"), keys }), weight: 4 },
      { arbitrary: fc.record({ kind: fc.constant("setMany"), entries, expiry }), weight: 4 },
    );
  }
  return fc.array(
    fc.record({
      steps: fc.array(fc.record({ path, call: fc.oneof(...calls) }), {
        minLength: 1,
        maxLength: longestBurst,
      }),
      thenPassMinutes: timePasses ? fc.constantFrom(0, 0, 0, 0, 0, 1, 2) : fc.constant(0),
      thenList: fc.constantFrom(false, false, false, true),
    }),
    // Of this length, not as short as fast-check would rather have them: keys must meet again.
    { minLength: 1, maxLength: Math.ceil(50 / longestBurst), size: "max" },
  );
}

/** The same steps, each of which is awaited before the next. */
export function awaitEach(bursts: readonly ModelBurst[]): ModelBurst[] {
  return bursts.flatMap(({ steps, ...then }) =>
    steps.map((step, at) => ({
      ...(at === steps.length - 1 ? then : { thenPassMinutes: 0, thenList: false }),
      steps: [step],
    })),
  );
}

/** Returns the keys that a step changes or reads, in its namespace. */
export function keysOf({ call }: ModelStep): readonly string[] {
  return call.kind === "deleteAll" ? modelKeys : [...new Set(keyCallsOf(call).map(({ key }) => key))];
}

/** Returns steps that show what such steps have left in the keys that they concern. */
export function looksAfter(steps: readonly ModelStep[]): ModelStep[] {
  const places = steps.flatMap((step) => keysOf(step).map((key) => ({ path: step.path, key })));
  return looksAt(places, ["get", "expiresIn"]);
}

/** Returns steps that show what such steps have left in these keys, and in the same keys of other namespaces. */
export function looksBeside(steps: readonly ModelStep[], withNamespaces: boolean): ModelStep[] {
  const paths = withNamespaces ? modelPaths : [[]];
  const places = steps.flatMap((step) => keysOf(step).flatMap((key) => paths.map((path) => ({ path, key }))));
  return looksAt(places, ["get"]);
}

function looksAt(
  places: readonly { readonly path: ModelPath; readonly key: string }[],
  kinds: readonly ("get" | "expiresIn")[],
): ModelStep[] {
  const looks = places.flatMap(({ path, key }) => kinds.map((kind) => ({ path, call: { kind, key } })));
  return [...new Map(looks.map((look) => [inspectStep(look), look])).values()];
}

/** Writes a step as its caller would: `withNamespace("a").get("key")`. */
export function inspectStep({ path, call }: ModelStep): string {
  return `${path.map((name) => `withNamespace(${inspect(name)}).`).join("")}${inspectCall(call)}`;
}
