import type { FullStore } from "@kv/core";

/** The same store, and the names of its methods as they are called. */
export function counting(inner: FullStore): { readonly store: FullStore; readonly calls: string[] } {
  const calls: string[] = [];
  const store = new Proxy(inner, {
    get(target, name, receiver): unknown {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        return Reflect.apply(member, target, args);
      };
    },
  });
  return { store, calls };
}
