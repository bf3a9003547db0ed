import { hostileKeys, hostileNames } from "./hostile-strings.ts";

/** What the characters of patterns, templates and encodings would fit, or become, in searches of any kind. */
const readings: readonly (readonly [pattern: RegExp, fit: string])[] = [
  [/_/g, "x"], // LIKE
  [/%/g, "xyz"],
  [/%/g, ""],
  [/%[0-9a-f]{2}/gi, "/"],
  [/%61/g, "a"],
  [/\*/g, "xyz"], // glob
  [/\*/g, ""],
  [/\?/g, "x"],
  [/\?/g, ""],
  [/\[[^\]]+\]/g, "a"],
  [/\[[^\]]+\]/g, "b"],
  [/\[[\^!][^\]]+\]/g, "z"],
  [/\\(.)/gs, "$1"],
  [/\\/g, ""],
  [/\\/g, "\\\\"],
  [/\{([^,}]*)[^}]*\}/g, "$1"],
  [/\./g, "x"], // regular expressions
  [/\.[*+]/g, "xyz"],
  [/(.)[*+]/g, "$1$1"],
  [/[\^$()]/g, ""],
  [/\|.*/g, ""],
  [/\$\$/g, "$"], // templates
  [/\$&/g, "key"],
];

const patterns: readonly string[] = [
  "_",
  "a_b",
  "a__",
  "a%b",
  "%a",
  "a%",
  "a*b",
  "*a",
  "a**",
  "a?b",
  "?a",
  "[ab]",
  "x[ab]y",
  "[a-c]",
  "[^a]",
  "[!a]",
  "[]a]",
  "\\a",
  "\\\\a",
  "a\\_",
  "a\\%",
  "a\\?",
  "\\[a\\]",
  "a.b",
  "^a",
  "a$",
  "a+",
  "a.*",
  "(a)",
  "a|b",
  "{a,b}",
  "$$",
  "$&",
];

/** A string, and those that it would fit if it were read as a pattern. Each is a name, a key and a prefix of its own. */
type LookAlikes = readonly [pattern: string, fitting: readonly string[]];

/** Each hostile name with those that it would fit. */
export const nameLookAlikes: readonly LookAlikes[] = lookAlikesOf([...patterns, ...hostileNames]);

/** Each hostile key with those that it would fit. */
export const keyLookAlikes: readonly LookAlikes[] = lookAlikesOf([...patterns, ...hostileKeys]);

function lookAlikesOf(strings: readonly string[]): LookAlikes[] {
  const short = new Set(strings.filter((text) => text.length < 100));
  return Array.from(short, (pattern): LookAlikes => {
    const read = new Set(readings.map(([meaning, fit]) => pattern.replaceAll(meaning, fit)));
    return [pattern, [...read].filter((text) => text !== "" && text !== pattern)];
  }).filter(([, fitting]) => fitting.length > 0);
}
