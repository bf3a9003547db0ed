// Keys are JSON arrays, so that no two lists of parts are one key. The parts are taken as they came: a path or a query
// that is spelled in another way is another request, for a handler may tell them apart.

/** The key of a URL: what its response is, or by which request headers there are several. */
export function urlKey(url: string): string {
  return JSON.stringify(["GET", url]);
}

/**
 * The key of a response that depends on request headers. A header that is missing is not an empty one.
 *
 * @param token of the rule that named the headers; another rule leads to other keys
 */
export function variantKey(url: string, token: string, vary: readonly string[], headers: Headers): string {
  return JSON.stringify(["GET", url, token, vary.map((name) => [name, headers.get(name)])]);
}

/** Whether a key is one of the two above for this URL. */
export function isKeyOf(url: string, key: string): boolean {
  const one = urlKey(url);
  return key === one || key.startsWith(`${one.slice(0, -1)},`);
}
