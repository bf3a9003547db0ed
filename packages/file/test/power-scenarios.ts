import type { FullStore } from "@kv/core";
import fc from "fast-check";
import { countOf, valueOf } from "./ledger.ts";
import type { KeyCall, KeyState } from "./possible-states.ts";
import { nextTurn, type RecordedDisk } from "./recorded-disk.ts";

/** Expiries are told apart by their hours: the clock stands still. */
export const nowMs = 1_800_000_000_000;
const hourMs = 3_600_000;
const never = Number.POSITIVE_INFINITY;

export const paths: readonly (readonly string[])[] = [[], ["a"], ["a", "b"], ["c"]];
export const texts: readonly ("one" | "two")[] = ["one", "two"];
export const counter: string = "counter";

export interface Step {
  readonly call:
    | "set"
    | "setMany"
    | "setIfAbsent"
    | "compareAndSet"
    | "compareAndDelete"
    | "take"
    | "increment"
    | "touch"
    | "delete"
    | "deleteAll"
    | "deleteExpired";
  readonly store: 0 | 1;
  readonly path: number;
  readonly key: "one" | "two";
  /** The length of a value: within a sector, over some, and too large to be written at once. */
  readonly length: number;
  /** 0 for never. */
  readonly hours: number;
  /** How many steps before was the value set that is expected. */
  readonly back: number;
  /** How many turns of the event loop the next step waits, or until all is acknowledged. */
  readonly pause: number | "all";
}

export interface Scenario {
  readonly disk: "local" | "network";
  readonly steps: readonly Step[];
}

const step: fc.Arbitrary<Step> = fc.record({
  call: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("set" as const, "increment" as const, "touch" as const) },
    {
      weight: 3,
      arbitrary: fc.constantFrom("delete" as const, "deleteAll" as const, "deleteExpired" as const),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "setMany" as const,
        "setIfAbsent" as const,
        "compareAndSet" as const,
        "compareAndDelete" as const,
        "take" as const,
      ),
    },
  ),
  store: fc.constantFrom(0 as const, 1 as const),
  path: fc.integer({ min: 0, max: paths.length - 1 }),
  key: fc.constantFrom(...texts),
  length: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(20, 700, 5_000) },
    { weight: 1, arbitrary: fc.constant(70_000) },
  ),
  hours: fc.integer({ min: 0, max: 9 }),
  back: fc.integer({ min: 1, max: 4 }),
  pause: fc.oneof(fc.constant("all" as const), fc.integer({ min: 0, max: 30 })),
});

/** Calls of two stores on a directory that is not there yet, nor the one that holds it. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  disk: fc.constantFrom("local" as const, "local" as const, "network" as const),
  steps: fc.array(step, { minLength: 1, maxLength: 12 }),
});

/** The calls of a scenario by the keys that they change. */
export class History {
  readonly calls: Map<string, KeyCall[]> = new Map();
  /** Before and after each call: the moments that a cut is most worth. */
  readonly moments: number[] = [];
}

/** The name of a key in all namespaces. */
export function nameOf(path: readonly string[], key: string): string {
  return `${path.join("/")}:${key}`;
}

export function storeAt(store: FullStore, path: readonly string[]): FullStore {
  return path.reduce((at, name) => at.withNamespace(name), store);
}

/** Does what a scenario says, and notes when each call was begun and acknowledged. */
export async function played(
  { steps }: Scenario,
  stores: readonly FullStore[],
  disk: RecordedDisk,
): Promise<History> {
  const history = new History();
  let inFlight: Promise<void>[] = [];
  for (const [index, each] of steps.entries()) {
    const { store, pause } = each;
    const made = madeOf(steps, index);
    const begunAt = disk.mark();
    history.moments.push(begunAt);
    const noted = made.effects.map(([name, apply]) => {
      const call: KeyCall = { store, begunAt, doneAt: never, answer: undefined, apply };
      history.calls.set(name, [...(history.calls.get(name) ?? []), call]);
      return call;
    });
    const answer = made.begin(storeAt(stores[store] as FullStore, paths[each.path] ?? []));
    inFlight.push(
      answer.then((answered) => {
        const doneAt = disk.mark();
        history.moments.push(doneAt);
        for (const call of noted) Object.assign(call, { doneAt, answer: answered });
      }),
    );
    if (pause === "all") {
      await Promise.all(inFlight);
      inFlight = [];
    } else {
      for (let turn = 0; turn < pause; turn += 1) await nextTurn();
    }
  }
  await Promise.all(inFlight);
  return history;
}

interface Made {
  readonly begin: (store: FullStore) => Promise<unknown>;
  readonly effects: readonly (readonly [name: string, apply: KeyCall["apply"]])[];
}

function madeOf(steps: readonly Step[], index: number): Made {
  const { call, path: pathIndex, key, hours, length, back } = steps[index] as Step;
  const path = paths[pathIndex] ?? [];
  const value = valueOf(index + 1, length);
  const options = hours === 0 ? {} : { expiresIn: { hours } };
  const entry: KeyState = { text: `value ${index + 1}`, expiresAtMs: endOf(hours) };
  const earlier = Math.max(0, index - back);
  const expected = { text: `value ${earlier + 1}`, value: valueOf(earlier + 1, steps[earlier]?.length ?? 0) };
  const onKey = (begin: Made["begin"], apply: KeyCall["apply"]): Made => ({
    begin,
    effects: [[nameOf(path, key), apply]],
  });

  switch (call) {
    case "set":
      return onKey(
        (store) => store.set(key, value, options),
        () => ({ state: entry }),
      );
    case "setMany":
      return {
        begin: (store) =>
          store.setMany(
            texts.map((each) => [each, value]),
            options,
          ),
        effects: texts.map((each) => [nameOf(path, each), () => ({ state: entry })]),
      };
    case "setIfAbsent":
      return onKey(
        (store) => store.setIfAbsent(key, value, options),
        (state) => (state === undefined ? { state: entry, answer: true } : { state, answer: false }),
      );
    case "compareAndSet":
      return onKey(
        (store) => store.compareAndSet(key, expected.value, value, options),
        (state) =>
          state?.text === expected.text ? { state: entry, answer: true } : { state, answer: false },
      );
    case "compareAndDelete":
      return onKey(
        (store) => store.compareAndDelete(key, expected.value),
        (state) =>
          state?.text === expected.text ? { state: undefined, answer: true } : { state, answer: false },
      );
    case "take":
      return onKey(
        async (store) => {
          const taken = await store.take(key);
          return taken === undefined ? "nothing" : `value ${countOf(taken)}`;
        },
        (state) => ({ state: undefined, answer: state?.text ?? "nothing" }),
      );
    case "increment":
      return {
        begin: async (store) => (await store.increment(counter, options)).value,
        effects: [[nameOf(path, counter), (state) => counted(state, endOf(hours))]],
      };
    case "touch":
      return onKey(
        (store) => store.touch(key, { hours: hours + 1 }),
        (state) => ({ state: touched(state, endOf(hours + 1)), answer: state !== undefined }),
      );
    case "delete":
      return onKey(
        (store) => store.delete(key),
        (state) => ({ state: undefined, answer: state !== undefined }),
      );
    case "deleteAll":
      return {
        begin: (store) => store.deleteAll(),
        effects: below(path).map((name) => [name, () => ({ state: undefined })]),
      };
    case "deleteExpired":
      return { begin: (store) => store.deleteExpired(), effects: [] };
  }
}

function counted(state: KeyState, expiresAtMs: number): ReturnType<KeyCall["apply"]> {
  const value = Number(state?.text ?? 0) + 1;
  return {
    state: { text: String(value), expiresAtMs: state === undefined ? expiresAtMs : state.expiresAtMs },
    answer: value,
  };
}

function touched(state: KeyState, expiresAtMs: number): KeyState {
  return state === undefined || state.expiresAtMs === never ? state : { text: state.text, expiresAtMs };
}

function below(path: readonly string[]): string[] {
  return paths
    .filter((each) => path.every((name, index) => each[index] === name))
    .flatMap((each) => [...texts, counter].map((key) => nameOf(each, key)));
}

function endOf(hours: number): number {
  return hours === 0 ? never : nowMs + hours * hourMs;
}
