/**
 * Where a session object comes from: the entry that it was loaded from, or last saved as. With it a save can tell a
 * change from a new session, which the frameworks do not say.
 */
export interface Trace {
  readonly key: string;
  readonly createdAtMs: number;
  /** The stored bytes. */
  readonly bytes: Uint8Array;
}

const traces = new WeakMap<object, Trace>();

/**
 * The property by which the trace of what was loaded gets to the session object that a framework makes of it:
 * @fastify/session copies what can be enumerated, by string keys alone.
 */
const carrier = "@kv/express-session";

export function rememberTrace(session: object, trace: Trace): void {
  traces.set(session, trace);
}

/** The trace of a session object for that key. A trace of another key was copied along with another session's data. */
export function traceOf(session: object, key: string): Trace | undefined {
  const trace = traces.get(session) ?? traces.get(carried(session));
  return trace?.key === key ? trace : undefined;
}

/** Adds the carrier to what was loaded. */
export function withCarrier<S extends object>(loaded: S, trace: Trace): S {
  // What is written as JSON has nothing of it.
  const token = Object.defineProperty({}, "toJSON", { value: () => undefined });
  traces.set(token, trace);
  return { ...loaded, [carrier]: token };
}

/** Takes the carrier away again. */
export function withoutCarrier<S extends object>(session: S): S {
  const { [carrier]: _, ...rest } = session as S & { [carrier]?: unknown };
  return rest as S;
}

/** Hands the trace on from what was loaded to the object that was made of it, where that can be told. */
export function moveTrace(loaded: object, session: object): void {
  const trace = traces.get(carried(loaded));
  if (trace !== undefined) traces.set(session, trace);
}

function carried(session: object): object {
  const token: unknown = Reflect.get(session, carrier);
  return typeof token === "object" && token !== null ? token : session;
}
