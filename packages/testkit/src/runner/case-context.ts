import type { FullStore, NamespacedStore, Store } from "@kv/core";
import type { CaseContext, Hook, Place, RunOptions, Tally } from "../contract/contract-case.ts";
import type { Harness, Opened } from "../contract/harness.ts";
import { Unproven } from "../contract/unproven.ts";
import { inspect } from "../support/inspect.ts";
import type { CallRecorder } from "./call-recorder.ts";
import { createTestClock } from "./create-test-clock.ts";
import { missingText } from "./needs.ts";
import { recordCalls } from "./recorded-store.ts";

/** The path of each place from the root of the store that was opened. */
const paths: Readonly<Record<Place, readonly string[]>> = {
  "at the root": [],
  "in a namespace": ["sessions"],
  "in a nested namespace": ["sessions", "eu:1/é"],
};

/** The parts of a context that come from outside. */
export interface ContextParts {
  readonly harness: Harness;
  readonly place: Place;
  readonly options: RunOptions;
  readonly opened: Opened;
  readonly recorder: CallRecorder;
  readonly tally: (what: Tally, count?: number) => void;
  /** Opens one more store on data of its own. */
  readonly open: () => Promise<Opened>;
}

/** Makes what a case works with. */
export function createCaseContext(parts: ContextParts): CaseContext {
  const { harness, place, options, opened, recorder, tally, open } = parts;
  const record = (store: Store, label: string): FullStore => recordCalls(store, recorder, label);
  const at = (store: Store, label: string): FullStore => record(storeAt(store, paths[place]), label);

  return {
    harness,
    place,
    options,
    tally,
    recorded: record,
    store: at(opened.store, "store"),
    root: record(opened.store, "root"),
    clock: createTestClock(opened.advance?.bind(opened), (line) => recorder.note(`(${line})`)),
    reopen: async () => at(await ask("openAgain", opened.openAgain?.bind(opened)), "reopened"),
    inOtherProcess: async () =>
      at(await ask("openElsewhere", opened.openElsewhere?.bind(opened)), "inOtherProcess"),
    impatient: async (timeoutMs) =>
      at(await ask("openImpatient", opened.openImpatient?.bind(opened, timeoutMs)), "impatient"),
    withoutNamespace: async () =>
      record(
        await ask("openWithoutNamespace", opened.openWithoutNamespace?.bind(opened)),
        "withoutNamespace",
      ),
    separateStore: async () => record((await open()).store, "separateStore"),
    untouched: async () => await ask("untouched", opened.untouched?.bind(opened)),
    async damage(key) {
      await ask("damage", opened.damage?.bind(opened, key));
      tally("faults");
      recorder.note(`(the entry of ${inspect(key)} is damaged)`);
    },
    async fail() {
      const recover = await ask("fail", opened.fail?.bind(opened));
      tally("faults");
      recorder.note("(the backend fails from here)");
      return async () => {
        await recover();
        recorder.note("(the backend works again)");
      };
    },
    note: (line) => recorder.note(`(${line})`),
    startOver(line) {
      recorder.clear();
      recorder.note(`(${line})`);
    },
  };
}

function storeAt(store: Store, path: readonly string[]): Store {
  return path.reduce((at, name) => (at as NamespacedStore).withNamespace(name), store);
}

/** Asks the harness for something that not every harness has. */
async function ask<T>(name: Hook, hook: (() => T | Promise<T>) | undefined): Promise<T> {
  if (hook === undefined) throw new Unproven(missingText(name));
  return await hook();
}
