/**
 * What all copies of this package in a process share, where a package manager installs more than one: made by the
 * first of them. Versions share it too, so the shape behind a name never changes.
 */
export function amongCopies<T extends object>(name: string, make: () => T): T {
  const symbol = Symbol.for(`@kv/core.${name}`);
  const shared = globalThis as { [symbol]?: T };
  return (shared[symbol] ??= make());
}
