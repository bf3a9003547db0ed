// Keys are JSON arrays, so that no two lists of parts make the same key. URLs are not normalized: a handler may tell two
// spellings apart.

/** Returns the key of a URL: of its response, or of the index of its responses. */
export function urlKey(url: string): string {
  return JSON.stringify(["GET", url]);
}

/**
 * Returns the key of a response that varies on request headers. A header that is missing is not an empty one.
 *
 * @param token that of the index which names the headers: another index leads to other keys
 */
export function variantKey(url: string, token: string, vary: readonly string[], headers: Headers): string {
  return JSON.stringify(["GET", url, token, vary.map((name) => [name, headers.get(name)])]);
}

/** Tells whether a key is one of the two above for this URL. */
export function isKeyOf(url: string, key: string): boolean {
  const one = urlKey(url);
  return key === one || key.startsWith(`${one.slice(0, -1)},`);
}
