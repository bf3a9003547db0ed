const idBytes = 32;
const shape = /^[\w-]{43}$/;

/** A new id, 256 random bits in base64url. */
export function newSessionId(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(idBytes)));
}

/** Whether a text can be an id at all: what cannot is not worth a question to the store. */
export function isSessionId(text: string): boolean {
  return shape.test(text);
}

/** The key of a session, the SHA-256 of its id: whoever reads the store's keys can take over no session. */
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
