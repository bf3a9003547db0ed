/**
 * All that a store has, but for what `own` has in its place: methods bound to the store, other properties read from it
 * each time.
 */
export function viewOf(store: object, own: object): object {
  const view = { ...own };
  for (let at = store; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Reflect.ownKeys(at)) {
      if (name === "constructor" || Object.hasOwn(view, name)) continue;
      const method: unknown = Object.getOwnPropertyDescriptor(at, name)?.value;
      const descriptor =
        typeof method === "function"
          ? { value: method.bind(store) as unknown, enumerable: true }
          : { get: () => Reflect.get(store, name) as unknown, enumerable: true };
      Object.defineProperty(view, name, descriptor);
    }
  }
  return view;
}
