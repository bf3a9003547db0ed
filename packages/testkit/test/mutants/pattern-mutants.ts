import type { ListOptions } from "@kv/core";
import type { DriverValue, FullDriverNamespace } from "@kv/core/driver";
import { type ReferenceData, referenceDriver } from "../reference-driver.ts";
import { driverMutant, type Mutant, pathMutant, storeMutant, sync } from "./mutant.ts";

type Path = readonly string[];

/** A text as the source of a regular expression that matches it alone. */
function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** The patterns of SQL, of servers and of globs, with all but one special character escaped. */
const patterns = {
  underscore: (text: string) => literal(text).replaceAll("_", "."),
  percent: (text: string) => literal(text).replaceAll("%", ".*"),
  like: (text: string) => literal(text).replaceAll("_", ".").replaceAll("%", ".*"),
  glob: (text: string) => literal(text).replaceAll("\\*", ".*").replaceAll("\\?", "."),
  braces: (text: string) =>
    literal(text).replaceAll(
      /\\\{([^{}]*,[^{}]*)\\\}/g,
      (_, choices: string) => `(${choices.replaceAll(",", "|")})`,
    ),
  backslash: (text: string) =>
    text.replaceAll(/\\(.)|([^\\])|\\$/gs, (part, escaped?: string) => literal(escaped ?? part)),
  regexp: (text: string) => text,
} as const;

/** Tells what fits a pattern made of a text; of a text too long for an expression, only what is equal. */
function matcher(
  pattern: (text: string) => string,
  text: string,
  flags: string = "s",
): (other: string) => boolean {
  if (text.length > 1_000) return (other) => other === text;
  try {
    const expression = new RegExp(`^(${pattern(text)})$`, flags);
    return (other) => expression.test(other);
  } catch {
    return () => false;
  }
}

/** A `deleteAll` that empties other namespaces than it should. */
function clears(flaw: string, isCleared: (other: Path, path: Path) => boolean): Mutant {
  return driverMutant("N2", flaw, ({ data, path }) => ({
    deleteAll() {
      data.entries(path);
      for (const other of data.pathsFrom([])) if (isCleared(other, path)) data.entries(other).clear();
    },
  }));
}

function isBelow(other: Path, path: Path): boolean {
  return path.every((name, at) => other[at] === name);
}

/** A `deleteAll` that empties what is below, and what a pattern made of each name fits. */
function clearsLike(flaw: string, pattern: (text: string) => string, flags?: string): Mutant {
  return clears(flaw, (other, path) => isBelow(other, path) || isLike(other, path, pattern, flags));
}

function isLike(other: Path, path: Path, pattern: (text: string) => string, flags?: string): boolean {
  return path.every((name, at) => {
    const there = other[at];
    return there !== undefined && matcher(pattern, name, flags)(there);
  });
}

/** Every method of single keys and batches, on keys that are told differently. */
function toldKeys(flaw: string, told: (key: string) => string): Mutant {
  return driverMutant("S4", flaw, ({ namespace }) => ({
    ...singleKeys((key) => [namespace, told(key)]),
    getMany: (keys) => namespace.getMany(keys.map(told)),
    setMany: (entries, expiry) =>
      namespace.setMany(new Map([...entries].map(([key, value]) => [told(key), value])), expiry),
    deleteMany: (keys) => namespace.deleteMany(new Set([...keys].map(told))),
  }));
}

function singleKeys(
  at: (key: string) => readonly [FullDriverNamespace, string],
): Partial<FullDriverNamespace> {
  const methods = [
    "get",
    "getAndRenew",
    "set",
    "touch",
    "delete",
    "exists",
    "expiresInMs",
    "increment",
    "setIfAbsent",
    "compareAndSet",
    "compareAndDelete",
  ] as const;
  return Object.fromEntries(
    methods.map((method) => [
      method,
      (key: string, ...rest: readonly unknown[]) => {
        const [namespace, toldKey] = at(key);
        return (namespace[method] as (...args: readonly unknown[]) => unknown)(toldKey, ...rest);
      },
    ]),
  );
}

/** Names that are told differently. */
function toldNames(flaw: string, told: (name: string) => string): Mutant {
  return pathMutant("N3", flaw, (path) => path.map(told));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Paths in one text, with separators in names doubled, read from the left. */
function doubledColons(path: Path): Path {
  const text = path.map((name) => name.replaceAll(":", "::")).join(":");
  const names: string[] = [""];
  for (const [part] of text.matchAll(/::|:|[^:]+/g)) {
    if (part === ":") names.push("");
    else names.push(`${names.pop() ?? ""}${part === "::" ? ":" : part}`);
  }
  return names;
}

/** Listings of keys and entries that find other keys than those that begin with the prefix. */
function finds(flaw: string, isFound: (key: string, prefix: string) => boolean): Mutant {
  return storeMutant("N6", flaw, (store) => {
    const isWanted = (key: string, { prefix = "" }: ListOptions = {}): boolean => isFound(key, prefix);
    const all = (options: ListOptions | undefined): ListOptions | undefined =>
      typeof options?.prefix === "string" && options.prefix.isWellFormed()
        ? { ...options, prefix: undefined }
        : options;
    return {
      async *keys(options) {
        for await (const key of store.keys(all(options))) if (isWanted(key, options)) yield key;
      },
      async *entries(options) {
        for await (const entry of store.entries(all(options))) if (isWanted(entry[0], options)) yield entry;
      },
    };
  });
}

function finder(pattern: (text: string) => string): (key: string, prefix: string) => boolean {
  return (key, prefix) =>
    prefix.length > 1_000 ? key.startsWith(prefix) : matcher(() => `${pattern(prefix)}.*`, "")(key);
}

/** Compares as a database does that keeps text as UTF-8. */
function inUtf8(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** Children of a store, some of which are not told. */
function children(flaw: string, pick: (names: readonly string[]) => readonly string[]): Mutant {
  return driverMutant("N6", flaw, ({ namespace }) => ({
    async *namespaces() {
      for await (const names of namespace.namespaces()) yield pick(names);
    },
  }));
}

function keysLeftOut(flaw: string, pick: (keys: readonly string[]) => readonly string[]): Mutant {
  return driverMutant("N6", flaw, ({ namespace }) => ({
    async *keys(prefix) {
      for await (const page of namespace.keys(prefix)) yield pick(page);
    },
  }));
}

/** Pages of a table that is sorted in one way and continued in another. */
function pagedIn(items: readonly string[], length: number): string[] {
  const sorted = items.toSorted(inUtf8);
  const given: string[] = [];
  for (let last: string | undefined; ; ) {
    const behind = last;
    const page = sorted.filter((item) => behind === undefined || item > behind).slice(0, length);
    if (page.length === 0) return given;
    given.push(...page);
    last = page.reduce((one, other) => (one > other ? one : other));
  }
}

function parentOf(data: ReferenceData, path: Path): FullDriverNamespace | undefined {
  return path.length === 0 ? undefined : referenceDriver(data).namespace(path.slice(0, -1));
}

export const patternMutants: readonly Mutant[] = [
  clearsLike("deleteAll takes _ in a name for any character, as LIKE does", patterns.underscore),
  clearsLike("deleteAll takes % in a name for any text, as LIKE does", patterns.percent),
  clearsLike("deleteAll takes {a,b} in a name for a choice", patterns.braces),
  clearsLike("deleteAll takes a name for a regular expression", patterns.regexp),
  clearsLike("deleteAll does not tell the case of names, as LIKE does not", literal, "is"),
  clears("deleteAll takes \\ in a name for an escape", (other, path) =>
    isLike(other, path, patterns.backslash),
  ),
  clears("deleteAll empties the children up to ~, and leaves names that sort later", (other, path) => {
    return isBelow(other, path) && (other[path.length] ?? "") < "~";
  }),
  clears("deleteAll empties the children up to U+FFFF, and leaves names that sort later", (other, path) => {
    return isBelow(other, path) && inUtf8(other[path.length] ?? "", "\uffff") < 0;
  }),
  clears("deleteAll goes by the depth and the last name of a path", (other, path) => {
    const at = path.length - 1;
    return isBelow(other, path) || (other.length > at && at > 0 && other[at] === path[at]);
  }),
  clears(
    "deleteAll empties every namespace whose path ends the same",
    (other, path) =>
      other.some((_, at) => path.length > 0 && isBelow(other.slice(at), path)) || isBelow(other, path),
  ),
  clears("deleteAll goes two levels down, and leaves what is deeper", (other, path) => {
    return isBelow(other, path) && other.length <= path.length + 2;
  }),

  pathMutant("N3", "names are joined with a dot that they may hold", (path) => path.join(".").split(".")),
  pathMutant("N3", "names are joined with a NUL that they may hold", (path) => path.join("\0").split("\0")),
  pathMutant("N3", "names are joined with a bar that they may hold", (path) => path.join("|").split("|")),
  pathMutant("N3", "a colon in a name is doubled, and colons join names", doubledColons),
  pathMutant("N3", "of a path of two names or more the first does not count", (path) =>
    path.length < 2 ? path : ["any", ...path.slice(1)],
  ),
  pathMutant("N3", "below the first name the order of names in a path does not count", (path) =>
    path.length < 2 ? path : [path[0] ?? "", ...path.slice(1).toSorted()],
  ),
  toldNames("names are percent-decoded", decoded),
  toldNames("what is unsafe in a name becomes _", (name) =>
    name.replaceAll(/[^\w.\u0080-\u{10ffff}-]/gu, "_"),
  ),
  toldNames("dots and blanks at the end of a name are dropped", (name) => name.replace(/[. ]+$/, "") || name),
  toldNames("names are normalised", (name) => name.normalize()),
  toldNames("names are cut to 250 characters", (name) => name.slice(0, 250)),
  driverMutant("N3", "path and key are joined with a slash", ({ data, path }) => ({
    ...singleKeys((key) => {
      const parts = [...path, key].join("/").split("/");
      return [referenceDriver(data).namespace(parts.slice(0, -1)), parts.at(-1) ?? ""];
    }),
  })),

  driverMutant(
    "N1",
    "getMany finds in the parent what is not in the namespace",
    ({ namespace, data, path }) => ({
      getMany(keys) {
        const found = sync(namespace.getMany(keys));
        const parent = parentOf(data, path);
        return found.map((value, at) => value ?? (parent && sync(parent.get(keys[at] ?? ""))));
      },
    }),
  ),
  driverMutant("N1", "exists is true of what is in the parent only", ({ namespace, data, path }) => ({
    exists: (key) => sync(namespace.exists(key)) || sync(parentOf(data, path)?.exists(key) ?? false),
  })),
  driverMutant("N1", "deleteMany deletes in the children too", ({ namespace, data, path }) => ({
    deleteMany(keys) {
      const removed = namespace.deleteMany(keys);
      for (const below of data.pathsFrom(path)) for (const key of keys) data.entries(below).delete(key);
      return removed;
    },
  })),
  driverMutant("N1", "setMany of a nested namespace writes to its parent", ({ namespace, data, path }) => ({
    setMany: (entries, expiry) =>
      (path.length < 2 ? namespace : (parentOf(data, path) ?? namespace)).setMany(entries, expiry),
  })),
  driverMutant("N1", "setIfAbsent looks in the parent too", ({ namespace, data, path }) => ({
    setIfAbsent: (key, value, ms) =>
      !sync(parentOf(data, path)?.exists(key) ?? false) && namespace.setIfAbsent(key, value, ms),
  })),
  driverMutant("N1", "increment counts in the first namespace of a path", ({ data, path }) => ({
    increment: (key, by, ms) => referenceDriver(data).namespace(path.slice(0, 1)).increment(key, by, ms),
  })),
  driverMutant("N1", "touch renews in the children too", ({ namespace, data, path }) => ({
    touch(key, ms) {
      for (const below of data.pathsFrom(path)) sync(referenceDriver(data).namespace(below).touch(key, ms));
      return namespace.exists(key);
    },
  })),
  driverMutant("N1", "every store of a path remembers what it has missed", ({ namespace }) => {
    const missed = new Set<string>();
    const written = (key: string): string => {
      missed.delete(key);
      return key;
    };
    return {
      get(key) {
        const found = sync(namespace.get(key));
        if (missed.has(key)) return undefined;
        if (found === undefined) missed.add(key);
        return found;
      },
      set: (key, value, expiry) => namespace.set(written(key), value, expiry),
      setIfAbsent: (key, value, ms) => namespace.setIfAbsent(written(key), value, ms),
      increment: (key, by, ms) => namespace.increment(written(key), by, ms),
      setMany(entries: ReadonlyMap<string, DriverValue>, expiry) {
        for (const key of entries.keys()) written(key);
        return namespace.setMany(entries, expiry);
      },
    };
  }),

  toldKeys("keys that look like numbers are numbers", (key) =>
    /^[+-]?\d+(\.\d+)?$/.test(key) ? String(Number(key)) : key,
  ),
  toldKeys("characters beyond the basic plane are all the same", (key) =>
    key.replaceAll(/[\u{10000}-\u{10ffff}]/gu, "\ufffd"),
  ),
  toldKeys("letters are compared without their accents", (key) =>
    key.normalize("NFD").replaceAll(/[\u0300-\u036f]/g, ""),
  ),
  toldKeys("keys are percent-decoded", decoded),
  toldKeys("blanks at the end of a key do not count", (key) => key.replace(/ +$/, "")),
  toldKeys("keys are cut to 65,535 characters", (key) => key.slice(0, 65_535)),
  toldKeys("a slash at the beginning of a key is dropped", (key) => key.replace(/^\//, "")),
  toldKeys("a backslash is a slash", (key) => key.replaceAll("\\", "/")),
  driverMutant("S4", "exists takes its key for a pattern of LIKE", ({ data, path }) => ({
    exists: (key) => data.keys(path).some(matcher(patterns.like, key)),
  })),
  driverMutant("S4", "delete takes its key for a pattern", ({ namespace, data, path }) => ({
    delete(key) {
      const removed = sync(namespace.delete(key));
      const matching = data.keys(path).filter(matcher(patterns.glob, key));
      for (const other of matching) data.entries(path).delete(other);
      return removed || matching.length > 0;
    },
  })),
  driverMutant("S4", "deleteMany takes its keys for patterns of LIKE", ({ namespace, data, path }) => ({
    deleteMany(keys) {
      const removed = sync(namespace.deleteMany(keys));
      const matching = [...keys].flatMap((key) => data.keys(path).filter(matcher(patterns.like, key)));
      for (const other of matching) data.entries(path).delete(other);
      return removed + matching.length;
    },
  })),
  driverMutant("S2", "what every object has by itself is there", ({ namespace }) => ({
    exists: (key) => sync(namespace.exists(key)) || key in {},
  })),

  finds("a prefix takes _ for any character, as LIKE does", finder(patterns.underscore)),
  finds("a prefix takes % for any text, as LIKE does", finder(patterns.percent)),
  finds("a prefix takes {a,b} for a choice", finder(patterns.braces)),
  finds("a prefix is a regular expression", finder(patterns.regexp)),
  finds("a prefix takes \\ for an escape", finder(patterns.backslash)),
  finds("a prefix ends at its first NUL", (key, prefix) => key.startsWith(prefix.split("\0")[0] ?? "")),
  finds("a prefix is trimmed", (key, prefix) => key.startsWith(prefix.trim())),
  finds("a prefix is cut to 255 characters", (key, prefix) => key.startsWith(prefix.slice(0, 255))),
  finds("keys are searched from the prefix up to the prefix with ~", (key, prefix) =>
    prefix === "" ? true : key.startsWith(prefix) && key < `${prefix}~`,
  ),
  finds("keys are searched from the prefix up to the prefix with U+FFFF", (key, prefix) =>
    prefix === "" ? true : key.startsWith(prefix) && inUtf8(key, `${prefix}\uffff`) < 0,
  ),
  finds("keys are searched up to the prefix with its last code unit one higher", (key, prefix) => {
    const last = prefix.charCodeAt(prefix.length - 1);
    return prefix === "" || (key >= prefix && key < prefix.slice(0, -1) + String.fromCharCode(last + 1));
  }),
  keysLeftOut("keys are listed up to U+FFFF, and those beyond the basic plane are not", (keys) =>
    keys.filter((key) => inUtf8(key, "\uffff") < 0),
  ),
  keysLeftOut("keys come sorted by UTF-8, and each page from the last by code units", (keys) =>
    pagedIn(keys, 3),
  ),
  keysLeftOut("keys that begin with a dot are hidden", (keys) => keys.filter((key) => !key.startsWith("."))),
  children("names that begin with a dot are hidden", (names) =>
    names.filter((name) => !name.startsWith(".")),
  ),
  children("a child that was told hides those whose names begin the same", (names) => {
    const told: string[] = [];
    for (const name of names.toSorted()) if (!told.some((other) => name.startsWith(other))) told.push(name);
    return told;
  }),
  children("names beyond the basic plane are not told", (names) =>
    names.filter((name) => inUtf8(name, "\uffff") < 0),
  ),
  children("only the first hundred children are told", (names) => names.slice(0, 100)),
];
