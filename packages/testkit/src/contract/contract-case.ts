import type { FullStore, Store } from "@kv/core";
import type { TestClock } from "../contract/test-clock.ts";
import type { Capability, Harness, Opened, Recover } from "./harness.ts";
import type { RuleId } from "./rules.ts";

/** One promise of the contract, as something to try. */
export interface ContractCase {
  /** The rule that it tries. */
  readonly rule: RuleId;
  /** The behaviour, in a sentence. With the rule it names the case: `T2 set without options removes the expiry`. */
  readonly title: string;
  /** Without one of these the case proves nothing. */
  readonly needs?: readonly Need[];
  /** Runs at the root only. Any other case runs at the root, in a namespace and in a nested one. */
  readonly rootOnly?: boolean;
  /** Lets time pass: without a clock that can be moved it takes a while, so it runs beside its like. */
  readonly waits?: boolean;
  /** Tries it, and rejects where the store breaks the rule. */
  readonly run: (context: CaseContext) => Promise<void>;
}

/** A capability of the store, or something that a harness can do. */
export type Need = Capability | Hook | "golden" | "inMemory";

/** Something that a harness can do with an opened store. */
export type Hook = Exclude<keyof Opened, "store" | "dispose">;

/** A place that a case runs at. */
export type Place = "at the root" | "in a namespace" | "in a nested namespace";

/** The stores, the clock and the hooks that a case works with. Every store in it writes down its calls, for the message of a failure. */
export interface CaseContext {
  /** The access to the backend. */
  readonly harness: Harness;
  /** The place that the case runs at. */
  readonly place: Place;
  /** The store at the place. Typed with every capability: a case uses those that it needs. */
  readonly store: FullStore;
  /** The store that was opened. */
  readonly root: FullStore;
  /** Lets time pass, by the clock of the harness or in truth. */
  readonly clock: TestClock;
  /** The options of the run. */
  readonly options: RunOptions;

  /** A second handle at the same place (`openAgain`). */
  readonly reopen: () => Promise<FullStore>;
  /** A handle at the same place whose calls another process makes (`openElsewhere`). */
  readonly inOtherProcess: () => Promise<FullStore>;
  /** A handle at the same place whose calls give up after so long (`openImpatient`). */
  readonly impatient: (timeoutMs: number) => Promise<FullStore>;
  /** A root with `namespace: null`. */
  readonly withoutNamespace: () => Promise<FullStore>;
  /** Damages the entry of a key, at the root. */
  readonly damage: (key: string) => Promise<void>;
  /** Makes the backend fail until it is healed. */
  readonly fail: () => Promise<Recover>;
  /** Tells whether the store has done nothing at all so far. */
  readonly untouched: () => Promise<boolean>;
  /** One more store on data of its own, at its root. */
  readonly separateStore: () => Promise<FullStore>;
  /** Writes down the calls of one more store, which the case opened in its own way. */
  readonly recorded: (store: Store, label: string) => FullStore;
  /** Counts something that the case did, for the report. */
  readonly tally: (what: Tally, count?: number) => void;
  /** One line among the calls, for the message of a failure. */
  readonly note: (line: string) => void;
  /** The same, in the place of all calls so far. */
  readonly startOver: (line: string) => void;
}

/** Something that a case did, which the report counts. `damage` and `fail` of the context count themselves. */
export type Tally = "faults" | "histories" | "undecidedHistories" | "randomRuns";

/** The options of a run. */
export interface RunOptions {
  /** The seed of everything random, to reproduce a run. Default: `KV_TESTKIT_SEED` from the environment, or a new one. */
  readonly seed?: number | undefined;
  /** The number of random runs of each kind. Default: `KV_TESTKIT_RUNS` from the environment, or 50. */
  readonly runs?: number | undefined;
  /** The longest that nothing may happen in a case, no call settle, until it counts as hanging, in milliseconds. Default: 60,000. */
  readonly limitMs?: number | undefined;
}
