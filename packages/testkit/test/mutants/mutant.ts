import type { FullStore } from "@kv/core";
import { createStore, type FullDriverNamespace } from "@kv/core/driver";
import type { Harness, Opened, RuleId } from "@kv/testkit";
import { type ReferenceData, referenceDriver } from "../reference-driver.ts";
import { openedOver, referenceDriverHarness } from "../reference-harness.ts";

/** A store that breaks one rule, in the way that a real library does or easily could. */
export interface Mutant {
  readonly rule: RuleId;
  /** What is wrong with it. */
  readonly flaw: string;
  /** How the title of the case begins that must catch it. */
  readonly caughtBy: string;
  readonly harness: Harness;
}

/** What a broken namespace is made from. */
export interface Whole {
  readonly namespace: FullDriverNamespace;
  readonly data: ReferenceData;
  readonly path: readonly string[];
  readonly timeoutMs: number;
}

type NamespaceChange = (whole: Whole) => Partial<FullDriverNamespace>;
type StoreChange = (store: FullStore) => Partial<FullStore>;

/** The reference driver with some methods of its namespaces changed. */
export function brokenDriver(rule: RuleId, flaw: string, caughtBy: string, change: NamespaceChange): Mutant {
  return mutant(rule, flaw, caughtBy, (data, rootPath, timeoutMs) => {
    const driver = referenceDriver(data, rootPath);
    const changed = (path: readonly string[], namespace: FullDriverNamespace): FullDriverNamespace => ({
      ...namespace,
      ...change({ namespace, data, path, timeoutMs }),
    });
    return createStore({
      ...driver,
      root: changed(rootPath ?? ["null"], driver.root),
      namespace: (path) => changed(path, driver.namespace(path) as FullDriverNamespace),
    });
  });
}

/** The reference driver, with every path told differently. */
export function brokenPaths(
  rule: RuleId,
  flaw: string,
  caughtBy: string,
  told: (path: readonly string[]) => readonly string[],
): Mutant {
  return mutant(rule, flaw, caughtBy, (data, rootPath) => {
    const driver = referenceDriver(data, rootPath);
    return createStore({ ...driver, namespace: (path) => driver.namespace(told(path)) });
  });
}

/** The reference driver, with every key told differently. */
export function brokenKeys(flaw: string, caughtBy: string, told: (key: string) => string): Mutant {
  return brokenDriver("S4", flaw, caughtBy, ({ namespace }) => ({
    get: (key) => namespace.get(told(key)),
    set: (key, value, expiry) => namespace.set(told(key), value, expiry),
    delete: (key) => namespace.delete(told(key)),
    exists: (key) => namespace.exists(told(key)),
  }));
}

/** The reference store with some of its own methods changed, and those of its namespaces likewise. */
export function brokenStore(rule: RuleId, flaw: string, caughtBy: string, change: StoreChange): Mutant {
  return mutant(rule, flaw, caughtBy, (data, rootPath) =>
    changedStore(createStore(referenceDriver(data, rootPath)), change),
  );
}

/** The reference store under a harness that says something else of it. */
export function brokenOpening(
  rule: RuleId,
  flaw: string,
  caughtBy: string,
  change: (opened: Opened) => Opened,
): Mutant {
  const harness: Harness = {
    ...referenceDriverHarness,
    name: flaw,
    open: async () => change(await referenceDriverHarness.open()),
  };
  return { rule, flaw, caughtBy, harness };
}

export function changedStore(store: FullStore, change: StoreChange): FullStore {
  const changed = change(store);
  const all: FullStore = {
    ...store,
    withNamespace: (name) => changedStore(store.withNamespace(name), change),
    ...changed,
  };
  return { ...all, [Symbol.asyncDispose]: () => all.close() };
}

function mutant(
  rule: RuleId,
  flaw: string,
  caughtBy: string,
  openOn: (data: ReferenceData, rootPath: readonly string[] | null, timeoutMs: number) => FullStore,
): Mutant {
  const open = (): Opened => openedOver(openOn);
  return { rule, flaw, caughtBy, harness: { ...referenceDriverHarness, name: flaw, open } };
}

/** Gives way to others, as any call over a network does. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
