/**
 * The version of a session that a session object was loaded from, or last saved as. With it a save can tell a change
 * from a new session, which the frameworks do not say.
 */
export interface LoadedVersion {
  readonly key: string;
  readonly createdAtMs: number;
  /** The stored bytes. */
  readonly bytes: Uint8Array;
}

/** By session object, or by the token in it. */
const versions = new WeakMap<object, LoadedVersion>();

/**
 * The property with the token by which the session object that a framework makes of a loaded session keeps its version:
 * @fastify/session copies enumerable properties with string keys alone.
 */
const tokenProperty = "@kv/express-session";

/** Remembers the version of a session object. */
export function attachVersion(session: object, version: LoadedVersion): void {
  versions.set(session, version);
}

/** Returns the version of a session object for that key. One of another key was copied with another session's data. */
export function versionOf(session: object, key: string): LoadedVersion | undefined {
  const version = versions.get(session) ?? versions.get(tokenOf(session));
  return version?.key === key ? version : undefined;
}

/** Adds a version token to a loaded session. */
export function withVersionToken<S extends object>(loaded: S, version: LoadedVersion): S {
  // In JSON there is nothing of it.
  const token = Object.defineProperty({}, "toJSON", { value: () => undefined });
  versions.set(token, version);
  return { ...loaded, [tokenProperty]: token };
}

/** Removes the version token. */
export function withoutVersionToken<S extends object>(session: S): S {
  const { [tokenProperty]: _, ...rest } = session as S & { [tokenProperty]?: unknown };
  return rest as S;
}

/** Attaches the version of a loaded session, if it has one, to the session object that was made of it. */
export function inheritVersion(loaded: object, session: object): void {
  const version = versions.get(tokenOf(loaded));
  if (version !== undefined) versions.set(session, version);
}

function tokenOf(session: object): object {
  const token: unknown = Reflect.get(session, tokenProperty);
  return typeof token === "object" && token !== null ? token : session;
}
