/** The first character of the keys that are not those of the limiter as they are. */
const sentinel = "\0";

/**
 * Returns the key of the count for any value of a key generator. A store takes well-formed strings alone, and a limiter
 * may mistake its refusal for an outage and let the request pass uncounted. Two strings never share a count, nor do a
 * string and another value; objects with the same JSON do, and symbols with the same name, since identity means nothing
 * in other processes.
 */
export function countKey(key: unknown): string {
  if (typeof key === "string" && key.isWellFormed() && !key.startsWith(sentinel)) return key;
  return `${sentinel}${typeof key}:${JSON.stringify(textOf(key))}`;
}

function textOf(key: unknown): string {
  // oxlint-disable-next-line typescript/no-base-to-string -- no object comes to it
  if (typeof key !== "object" && typeof key !== "function") return String(key);
  try {
    return JSON.stringify(key) ?? "";
  } catch {
    return ""; // whatever its own methods throw: all such objects share a count
  }
}
