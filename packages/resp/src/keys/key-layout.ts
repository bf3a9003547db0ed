import { Buffer } from "node:buffer";

/**
 * The layout of a namespace's keys on a server, frozen (N7): `KV/sessions/eu:the key`. The names of the path are percent-encoded
 * except for letters, digits, `-`, `_` and `.`. So the first `:` ends the path, no two paths and no path and key collide,
 * and no name contains a character that is special in a SCAN pattern or a cluster's hash tag.
 */
export interface KeyLayout {
  /** Returns the server's key of an entry of this namespace. */
  keyOf(key: string): string;

  /** Returns the key that `keyOf` was given. */
  nameOf(serverKey: string): string;

  /** Tells whether a server's key lies in this namespace or below it. */
  covers(serverKey: string): boolean;

  /**
   * Returns the name of the direct child in which, or below which, a server's key lies; `undefined` for a key that does not
   * follow this layout, which another program must have made.
   */
  childOf(serverKey: string): string | undefined;

  /** Selects the namespace's own entries whose keys begin with that text. */
  ownFrom(prefix: string): KeySet;

  /** All entries below the namespace. */
  readonly below: KeySet;
  /** All entries in the namespace and below it. */
  readonly all: KeySet;
}

/** Some of a server's keys. */
export interface KeySet {
  /** The pattern for SCAN. */
  readonly pattern: string;
  /** Tells whether a server's key, which need not be UTF-8, matches the pattern. */
  has(serverKey: Buffer): boolean;
}

/** Makes the layout of the namespace at a path; `null` is a root whose keys are the server's own (N4). */
export function keyLayout(path: readonly string[] | null): KeyLayout {
  const encoded = path === null ? "" : path.map(encodeName).join("/");
  const ownPrefix = path === null ? "" : `${encoded}:`;
  const belowPrefix = path === null ? "" : `${encoded}/`;

  return {
    keyOf: (key) => ownPrefix + key,
    nameOf: (serverKey) => serverKey.slice(ownPrefix.length),
    covers: (serverKey) => serverKey.startsWith(ownPrefix) || serverKey.startsWith(belowPrefix),
    childOf(serverKey) {
      const [, name] = firstName.exec(serverKey.slice(belowPrefix.length)) ?? [];
      return name === undefined ? undefined : decodeURIComponent(name);
    },
    ownFrom: (prefix) => beginningWith(`${ownPrefix}${escaped(prefix)}*`, `${ownPrefix}${prefix}`),
    below: beginningWith(`${belowPrefix}*`, belowPrefix),
    all: path === null ? beginningWith("*", "") : beginningWith(`${encoded}[:/]*`, ownPrefix, belowPrefix),
  };
}

function beginningWith(pattern: string, ...texts: readonly string[]): KeySet {
  const prefixes = texts.map((text) => Buffer.from(text));
  return {
    pattern,
    has: (serverKey) => prefixes.some((prefix) => prefix.equals(serverKey.subarray(0, prefix.length))),
  };
}

/** Escapes a text as a pattern that matches nothing else. */
function escaped(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, "\\$&");
}

/** A name that is followed by the end of the path or by another; what is encoded is UTF-8. */
const firstName = /^((?:[\w.-]|%[0-9A-F]{2})+)[/:]/;

/** Percent-encodes the UTF-8, in capital letters, of everything except letters, digits, `-`, `_` and `.`. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replace(
    /[!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
