/**
 * Returns what all copies of this package in a process share, where a package manager installs more than one; the first of
 * them makes it. Versions share it too, so the shape behind a name never changes.
 */
export function processGlobal<T extends object>(name: string, make: () => T): T {
  const symbol = Symbol.for(`@kv/core.${name}`);
  const shared = globalThis as { [symbol]?: T };
  return (shared[symbol] ??= make());
}
