const idBytes = 32;
const shape = /^[\w-]{43}$/;

/** Makes a new id: 256 random bits in base64url. */
export function newSessionId(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(idBytes)));
}

/** Tells whether a text has the form of an id. The store need not be asked for any other text. */
export function isSessionId(text: string): boolean {
  return shape.test(text);
}

/** Returns the key of a session: the SHA-256 of its id, so that keys do not give away ids. */
export async function sessionKey(id: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return base64url(new Uint8Array(digest));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
