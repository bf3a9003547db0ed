/**
 * Where the entries of a namespace lie: `tenants/a%20b/` for the path `["tenants", "a b"]`, the empty string for the
 * root. Names are percent-encoded, so none holds a slash, and no two paths meet (N3).
 */
export function placeOf(path: readonly string[]): string {
  return path.map((name) => `${encodeURIComponent(name)}/`).join("");
}

/** What sorts behind all places that begin with this one: an encoded name holds only characters before it. */
export function endOf(place: string): string {
  return `${place}\u007f`;
}

/** The place of the direct child in which, or below which, another one lies. */
export function childOf(place: string, below: string): string {
  return below.slice(0, below.indexOf("/", place.length) + 1);
}

/** The name of a direct child. */
export function nameOf(place: string, child: string): string {
  return decodeURIComponent(child.slice(place.length, -1));
}
