import { Buffer } from "node:buffer";

/**
 * Where entries lie on a server, frozen (N7): `KV/sessions/eu:the key`. The names of the path are percent-encoded
 * but for letters, digits, `-`, `_` and `.`, so the first `:` ends the path, no two paths and no path and key meet,
 * and no name holds a character that a SCAN pattern or a cluster's hash tag gives a meaning to.
 */
export interface KeyLayout {
  /** The server's key of an entry of this namespace. */
  keyOf(key: string): string;

  /** What `keyOf` was given. */
  nameOf(serverKey: string): string;

  /** Whether a server's key lies in this namespace or below it. */
  covers(serverKey: string): boolean;

  /**
   * The name of the direct child in which, or below which, a server's key lies; `undefined` where the key is not of
   * this layout, so that another program must have made it.
   */
  childOf(serverKey: string): string | undefined;

  /** The namespace's own entries whose keys begin with that text. */
  ownFrom(prefix: string): KeySet;

  /** All below the namespace, and that and its own. */
  readonly below: KeySet;
  readonly all: KeySet;
}

/** Some of a server's keys. */
export interface KeySet {
  /** What SCAN takes. */
  readonly pattern: string;
  /** Whether a server's key, which need not be UTF-8, matches the pattern. */
  has(serverKey: Buffer): boolean;
}

/** The layout of the namespace of a path; `null` is a root whose keys are the server's own (N4). */
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

/** A text as a pattern that matches nothing else. */
function escaped(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, "\\$&");
}

/** A name that is followed by the end of the path or by another; what is encoded is UTF-8. */
const firstName = /^((?:[\w.-]|%[0-9A-F]{2})+)[/:]/;

/** Percent-encoding of the UTF-8, in capital letters, of all but letters, digits, `-`, `_` and `.`. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replace(
    /[!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
