import type { FullStore } from "@kv/core";
import {
  type Answer,
  copyOf,
  createStore,
  type DriverValue,
  type FullDriverNamespace,
} from "@kv/core/driver";
import type { Harness, Opened, RuleId } from "@kv/testkit";
import { type ReferenceData, referenceDriver } from "../reference-driver.ts";
import { openedOver, referenceDriverHarness } from "../reference-harness.ts";
import { slowDriver } from "./slow-driver.ts";

/** A store that breaks one rule, in the way that a real library does or easily could. */
export interface Mutant {
  readonly rule: RuleId;
  /** What is wrong with it. */
  readonly flaw: string;
  /** How the title of the case begins that must catch it. Default: any case of the rule may. */
  readonly caughtBy?: string | undefined;
  readonly harness: Harness;
}

/** What a broken namespace is made from. */
export interface Whole {
  readonly namespace: FullDriverNamespace;
  readonly data: ReferenceData;
  readonly path: readonly string[];
  readonly timeoutMs: number;
}

type OpenOn = (data: ReferenceData, rootPath: readonly string[] | null, timeoutMs: number) => FullStore;
export type NamespaceChange = (whole: Whole) => Partial<FullDriverNamespace>;
export type StoreChange = (store: FullStore) => Partial<FullStore>;

/** The reference driver with some methods of its namespaces changed. */
export function brokenDriver(
  rule: RuleId,
  flaw: string,
  caughtBy: string | undefined,
  change: NamespaceChange,
): Mutant {
  return mutant(rule, flaw, caughtBy, (data, rootPath, timeoutMs) => {
    const driver = referenceDriver(data, rootPath);
    const changed = (path: readonly string[], namespace: FullDriverNamespace): FullDriverNamespace => ({
      ...namespace,
      ...change({ namespace, data, path, timeoutMs }),
    });
    return createStore({
      ...driver,
      root: changed(rootPath ?? ["null"], driver.root),
      namespace: (path) => changed(path, driver.namespace(path)),
    });
  });
}

/** The same, caught by any case of the rule. */
export function driverMutant(rule: RuleId, flaw: string, change: NamespaceChange): Mutant {
  return brokenDriver(rule, flaw, undefined, change);
}

/** The same on a driver that answers later: the calls on a handle are done one after another, a turn each. */
export function slowMutant(rule: RuleId, flaw: string, change: NamespaceChange): Mutant {
  return mutant(rule, flaw, undefined, (data, rootPath, timeoutMs) => {
    const driver = slowDriver(data, rootPath, (namespace, path) =>
      change({ namespace, data, path, timeoutMs }),
    );
    return createStore(driver, { timeout: `${timeoutMs}ms` });
  });
}

/** The same on a driver to which the store hands the caller's own arrays, and whose arrays it hands to the caller. */
export function handoverMutant(rule: RuleId, flaw: string, change: NamespaceChange): Mutant {
  return mutant(rule, flaw, undefined, (data, rootPath, timeoutMs) => {
    const driver = referenceDriver(data, rootPath);
    const changed = (path: readonly string[], namespace: FullDriverNamespace): FullDriverNamespace => ({
      ...namespace,
      ...copyingOut(namespace),
      ...change({ namespace, data, path, timeoutMs }),
    });
    return createStore({
      ...driver,
      copiesValues: true,
      root: changed(rootPath ?? ["null"], driver.root),
      namespace: (path) => changed(path, driver.namespace(path)),
    });
  });
}

/** Methods that give copies, where the store does not copy. */
export function copyingOut(namespace: FullDriverNamespace): Partial<FullDriverNamespace> {
  const copied = (found: Uint8Array | undefined): Uint8Array | undefined => found && copyOf(found);
  return {
    get: (key) => copied(sync(namespace.get(key))),
    getAndRenew: (key, renewForMs) => copied(sync(namespace.getAndRenew(key, renewForMs))),
    getMany: (keys) => sync(namespace.getMany(keys)).map(copied),
  };
}

/** Returns what a method of the reference answered: it always answers synchronously. */
export function sync<T>(answer: Answer<T>): T {
  if (answer instanceof Promise) throw new TypeError("The reference answers synchronously.");
  return answer;
}

/** The value as it is, or its text. */
export function textOf(value: DriverValue): string {
  return typeof value === "string" ? value : new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);
}

/** The reference driver, with every path told differently. */
export function brokenPaths(
  rule: RuleId,
  flaw: string,
  caughtBy: string | undefined,
  told: (path: readonly string[]) => readonly string[],
): Mutant {
  return mutant(rule, flaw, caughtBy, (data, rootPath) => {
    const driver = referenceDriver(data, rootPath);
    return createStore({ ...driver, namespace: (path) => driver.namespace(told(path)) });
  });
}

/** The same, caught by any case of the rule. */
export function pathMutant(
  rule: RuleId,
  flaw: string,
  told: (path: readonly string[]) => readonly string[],
): Mutant {
  return brokenPaths(rule, flaw, undefined, told);
}

/** The reference driver, with every key told differently. */
export function brokenKeys(
  flaw: string,
  caughtBy: string | undefined,
  told: (key: string) => string,
): Mutant {
  return brokenDriver("S4", flaw, caughtBy, ({ namespace }) => ({
    get: (key) => namespace.get(told(key)),
    set: (key, value, expiry) => namespace.set(told(key), value, expiry),
    delete: (key) => namespace.delete(told(key)),
    exists: (key) => namespace.exists(told(key)),
  }));
}

/** The reference store with some of its own methods changed, and those of its namespaces likewise. */
export function brokenStore(
  rule: RuleId,
  flaw: string,
  caughtBy: string | undefined,
  change: StoreChange,
): Mutant {
  return mutant(rule, flaw, caughtBy, (data, rootPath) =>
    changedStore(createStore(referenceDriver(data, rootPath)), change),
  );
}

/** The same, caught by any case of the rule. */
export function storeMutant(rule: RuleId, flaw: string, change: StoreChange): Mutant {
  return brokenStore(rule, flaw, undefined, change);
}

/** Any store over the data of the reference, caught by any case of the rule. */
export function openedMutant(rule: RuleId, flaw: string, openOn: OpenOn): Mutant {
  return mutant(rule, flaw, undefined, openOn);
}

/** The reference store under a harness that says something else of it. */
export function brokenOpening(
  rule: RuleId,
  flaw: string,
  caughtBy: string | undefined,
  change: (opened: Opened) => Opened,
): Mutant {
  const harness: Harness = {
    ...referenceDriverHarness,
    name: flaw,
    open: async () => change(await referenceDriverHarness.open()),
  };
  return { rule, flaw, caughtBy, harness };
}

/** The same, caught by any case of the rule. */
export function openingMutant(rule: RuleId, flaw: string, change: (opened: Opened) => Opened): Mutant {
  return brokenOpening(rule, flaw, undefined, change);
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

function mutant(rule: RuleId, flaw: string, caughtBy: string | undefined, openOn: OpenOn): Mutant {
  const open = (): Opened => openedOver(openOn);
  return { rule, flaw, caughtBy, harness: { ...referenceDriverHarness, name: flaw, open } };
}

export { turn } from "./slow-driver.ts";
