/**
 * All that a store has, but for what `own` has in its place: methods bound to the store, other properties read from it
 * each time.
 */
export function viewOf(store: object, own: object): object {
  const view = { ...own };
  for (let at = store; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Reflect.ownKeys(at)) {
      if (name === "constructor" || Object.hasOwn(view, name)) continue;
      const isGetter = Object.getOwnPropertyDescriptor(at, name)?.get !== undefined;
      const member: unknown = isGetter ? undefined : Reflect.get(store, name); // of a Proxy, what it gives
      Object.defineProperty(view, name, {
        enumerable: true,
        ...(typeof member === "function"
          ? { value: member.bind(store) as unknown }
          : { get: () => Reflect.get(store, name) as unknown }),
      });
    }
  }
  return view;
}
