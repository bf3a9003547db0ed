/** With this begin the keys of counts that are not those of the limiter as they are. */
const sentinel = "\0";

/**
 * The key of the count of whatever a key generator gave. A store takes well-formed strings alone, and a limiter may take
 * its refusal for an outage and let the request pass uncounted. Two strings never share a count, nor do a string and
 * another value; objects with the same JSON do, and symbols with the same name, since other processes know no identity.
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
    return ""; // whatever its own methods throw: all such objects are one
  }
}
