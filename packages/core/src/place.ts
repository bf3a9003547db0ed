import { amongCopies } from "./among-copies.ts";

/** Where a store's entries live: stores of one driver and one path are one namespace (N1). */
export interface Place {
  /** What the entries of this place share with no other: the driver, or a store that is none of ours. */
  readonly owner: object;
  readonly path: readonly string[];
}

const places = amongCopies("places", () => new WeakMap<object, Place>());

export function rememberPlace(store: object, owner: object, path: readonly string[] | null): void {
  places.set(store, { owner, path: path ?? [] });
}

/** The place of a store made by `createStore`; any other store is a place of its own. */
export function placeOf(store: object): Place {
  return places.get(store) ?? { owner: store, path: [] };
}

/** How errors say where a call was made: `get on memory, namespace "carts"`. */
export function atPlace(operation: string, label: string, path: readonly string[] | null): string {
  const place = path === null || path.length === 0 ? "" : `, namespace ${JSON.stringify(path.join("/"))}`;
  return `${operation} on ${label}${place}`;
}

/** The same for a store, as far as it is known. */
export function placeText(operation: string, store: object): string {
  const { owner, path } = placeOf(store);
  return atPlace(
    operation,
    "label" in owner && typeof owner.label === "string" ? owner.label : "a store",
    path,
  );
}
