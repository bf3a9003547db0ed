import { processGlobal } from "../concurrency/process-global.ts";

/** The identity of a namespace: stores of one driver and one path are one namespace (N1). */
export interface NamespaceId {
  /** The driver, or a store that is none of ours: paths are compared within one. */
  readonly scope: object;
  readonly path: readonly string[];
}

const namespaceIds = processGlobal("namespaceIds", () => new WeakMap<object, NamespaceId>());

export function rememberNamespaceId(store: object, scope: object, path: readonly string[] | null): void {
  namespaceIds.set(store, { scope, path: path ?? [] });
}

/** Returns the namespace of a store made by `createStore`; any other store is a namespace of its own. */
export function namespaceIdOf(store: object): NamespaceId {
  return namespaceIds.get(store) ?? { scope: store, path: [] };
}

/** Describes a call for an error message: `get on memory, namespace "carts"`. */
export function describeCall(operation: string, label: string, path: readonly string[] | null): string {
  const namespace = path === null || path.length === 0 ? "" : `, namespace ${JSON.stringify(path.join("/"))}`;
  return `${operation} on ${label}${namespace}`;
}

/** Describes a call on a store, as far as it is known. */
export function describeCallOn(operation: string, store: object): string {
  const { scope, path } = namespaceIdOf(store);
  return describeCall(
    operation,
    "label" in scope && typeof scope.label === "string" ? scope.label : "a store",
    path,
  );
}
