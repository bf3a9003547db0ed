import type { FullStore, NamespacedStore, Store } from "@kv/core";
import { settlesWithin } from "@kv/core/driver";
import { type CaseResult, type CaseRun, ContractViolation, type Outcome } from "../contract/case-result.ts";
import type {
  CaseContext,
  ContractCase,
  Hook,
  Need,
  Place,
  RunOptions,
  Tally,
} from "../contract/contract-case.ts";
import { ExpectationError } from "../contract/expectation-error.ts";
import type { Capability, Harness, Opened } from "../contract/harness.ts";
import { Unproven } from "../contract/unproven.ts";
import { createTestClock } from "./create-test-clock.ts";
import { CallRecord, recordCalls } from "./recorded-store.ts";

/** The path of each place from the root of the store that was opened. */
const paths: Readonly<Record<Place, readonly string[]>> = {
  "at the root": [],
  "in a namespace": ["sessions"],
  "in a nested namespace": ["sessions", "eu:1/é"],
};

const longestDisposeMs = 30_000;

/** Says why a case proves nothing with such a harness, as far as that is known before a store is opened. */
export function undeclared(harness: Harness, { needs = [] }: ContractCase): string | undefined {
  const missing = needs.find((need) => isDeclarable(need) && !isDeclared(need, harness));
  return missing === undefined ? undefined : missingText(missing);
}

/**
 * Tries one case at one place, on a store of its own. Never rejects: a harness that fails is a failed case.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { caseRuns, type Harness, runCase } from "@kv/testkit";
 *
 * const harness: Harness = { name: "memory", capabilities: [], open: () => ({ store: memoryStore() }) };
 * for (const run of caseRuns(harness)) console.log(await runCase(harness, run, {}));
 * ```
 */
export async function runCase(
  harness: Harness,
  caseRun: CaseRun,
  options: RunOptions = {},
): Promise<CaseResult> {
  const record = new CallRecord();
  const measures = { faults: 0, histories: 0, undecidedHistories: 0, randomRuns: 0 };
  const opened: Opened[] = [];
  let outcome: Outcome;
  try {
    outcome = await within(
      options.limitMs ?? 60_000,
      tryCase(harness, caseRun, options, record, measures, opened),
    );
    await within(longestDisposeMs, disposeAll(opened));
  } catch (error) {
    outcome = { outcome: "failed", error: new ContractViolation(caseRun, error, record.lines()) };
    // What failed already may well fail to be disposed of, and the first failure is the one to show.
    await within(longestDisposeMs, disposeAll(opened)).catch(() => undefined);
  }
  return { ...caseRun, ...outcome };
}

async function tryCase(
  harness: Harness,
  { testCase, place }: CaseRun,
  options: RunOptions,
  record: CallRecord,
  measures: Record<Tally, number>,
  allOpened: Opened[],
): Promise<Outcome> {
  const path = paths[place];
  const open = async (): Promise<Opened> => {
    const one = await harness.open();
    allOpened.push(one);
    return one;
  };
  const recorded = (store: Store, label: string): FullStore => recordCalls(store, record, label);
  const at = (store: Store, label: string): FullStore => recorded(storeAt(store, path), label);

  const opened = await open();
  for (const need of testCase.needs ?? []) {
    if (!isGiven(need, harness, opened)) return { outcome: "unproven", because: missingText(need) };
  }

  const context: CaseContext = {
    harness,
    place,
    store: at(opened.store, "store"),
    root: recorded(opened.store, "root"),
    clock: createTestClock(opened.advance === undefined ? undefined : (ms) => opened.advance?.(ms)),
    options,
    reopen: async () => at(await hook("openAgain", opened.openAgain?.bind(opened)), "reopened"),
    inOtherProcess: async () =>
      at(await hook("openElsewhere", opened.openElsewhere?.bind(opened)), "inOtherProcess"),
    impatient: async (timeoutMs) => {
      const openImpatient = opened.openImpatient?.bind(opened, timeoutMs);
      return at(await hook("openImpatient", openImpatient), "impatient");
    },
    withoutNamespace: async () =>
      recorded(
        await hook("openWithoutNamespace", opened.openWithoutNamespace?.bind(opened)),
        "withoutNamespace",
      ),
    async damage(key) {
      measures.faults += 1;
      record.add(`(the entry of ${JSON.stringify(key)} is damaged)`);
      await opened.damage?.(key);
    },
    async fail() {
      const recover = await hook("fail", opened.fail?.bind(opened));
      measures.faults += 1;
      record.add("(the backend fails from here)");
      return async () => {
        await recover();
        record.add("(the backend works again)");
      };
    },
    untouched: async () => await hook("untouched", opened.untouched?.bind(opened)),
    separateStore: async () => recorded((await open()).store, "separateStore"),
    recorded,
    tally: (what, count = 1) => {
      measures[what] += count;
    },
    note(line) {
      record.add(`(${line})`);
    },
    startOver(line) {
      record.clear();
      record.add(`(${line})`);
    },
  };
  try {
    await testCase.run(context);
    return { outcome: "passed" };
  } catch (error) {
    if (error instanceof Unproven) return { outcome: "unproven", because: error.message };
    throw error;
  }
}

function storeAt(store: Store, path: readonly string[]): Store {
  return path.reduce((at, name) => (at as NamespacedStore).withNamespace(name), store);
}

/** Asks the harness for something that not every harness has. */
async function hook<T>(name: Hook, ask: (() => T | Promise<T>) | undefined): Promise<T> {
  if (ask === undefined) throw new Unproven(missingText(name));
  return await ask();
}

const capabilities: readonly Capability[] = ["namespaces", "batch", "atomic", "listing", "expiry"];

function isCapability(need: Need): need is Capability {
  return (capabilities as readonly string[]).includes(need);
}

/** What a harness says of a backend as a whole, and not of an opened store. */
type Declarable = Exclude<Need, Hook>;

function isDeclarable(need: Need): need is Declarable {
  return isCapability(need) || need === "golden" || need === "inMemory";
}

function isDeclared(need: Declarable, harness: Harness): boolean {
  if (isCapability(need)) return harness.capabilities.includes(need);
  return need === "golden" ? (harness.golden ?? []).length > 0 : harness.inMemory === true;
}

function isGiven(need: Need, harness: Harness, opened: Opened): boolean {
  return isDeclarable(need) ? isDeclared(need, harness) : opened[need] !== undefined;
}

function missingText(need: Need): string {
  if (isCapability(need)) return `the harness does not declare the capability ${need}`;
  if (need === "golden") return "the harness has no golden data";
  if (need === "inMemory") return "the harness does not say that its entries live in memory";
  return `the harness has no ${need satisfies Hook}()`;
}

async function disposeAll(opened: readonly Opened[]): Promise<void> {
  for (const one of opened.toReversed()) await one.dispose?.();
}

/** A case that hangs has failed, however long the runner would wait. */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  if (await settlesWithin(limitMs, promise)) return promise;
  throw new ExpectationError(`an end within ${limitMs} ms`, "none: the last call below is still in flight");
}
