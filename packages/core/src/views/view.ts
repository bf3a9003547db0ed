/**
 * All that a store has, as a new object: methods bound to the store, other properties read from it each time. `own` takes
 * the place of what the store has under the same name; a method that the store lacks is not added.
 */
export function viewOf(store: object, own: object): object {
  const view: Record<PropertyKey, unknown> = Object.fromEntries(
    Object.entries(own).filter(([name, member]) => typeof member !== "function" || isMethod(store, name)),
  );
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

function isMethod(store: object, name: string): boolean {
  return typeof Reflect.get(store, name) === "function";
}
