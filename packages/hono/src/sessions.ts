import {
  type AtomicStore,
  type Codec,
  type Duration,
  findStore,
  isStoreError,
  json,
  type StoreError,
  type StoreSource,
} from "@kv/core";
import { boundCodec, checkOptions, durationMs, guarded } from "@kv/core/driver";
import type { MiddlewareHandler } from "hono";
import { checkChoice } from "./options.ts";
import { ignored, type StoreErrorListener, unavailable } from "./outage.ts";
import { RetryQueue } from "./retry-queue.ts";
import { CurrentSession, type Session, type SessionSettings } from "./session.ts";
import { type SessionCookieOptions, sessionCookie } from "./session-cookie.ts";
import { isSessionId } from "./session-id.ts";

export interface SessionsOptions<Data> {
  /**
   * What becomes of a request whose session cannot be read because the store fails: `"refuse"` answers with 503;
   * `"anonymous"` goes on without session (`session.outage` says so), and what would write rejects.
   */
  readonly onOutage: "refuse" | "anonymous";

  /** The name to ask a registry for: `sessions` unless told. */
  readonly name?: string | undefined;

  /** Ends a session that no request came with for this long: `"30m"` unless told. */
  readonly idleTimeout?: Duration | undefined;

  /** Ends a session this long after it began or got a new id, however busy it is: `"12h"` unless told. */
  readonly absoluteTimeout?: Duration | undefined;

  /** The name, path and flags of the cookie; safe ones unless told. */
  readonly cookie?: SessionCookieOptions | undefined;

  /** How the data are written: as JSON unless told. `json(schema)` checks them, too. */
  readonly codec?: Codec<Data> | undefined;

  /**
   * Is told once of each failure of the store: for which a session could not be read, or with which a write rejects, and
   * of entries that cannot be read. Not of a `SessionEndedError`.
   */
  readonly onStoreError?: StoreErrorListener | undefined;

  /** The wall clock that `absoluteTimeout` goes by, in milliseconds: `Date.now` unless told. For tests. */
  readonly now?: (() => number) | undefined;
}

/** For `new Hono<SessionEnv<Data>>()`. A type and no interface, for Hono asks for an index signature. */
export type SessionEnv<Data> = { Variables: { session: Session<Data> } };

const known = [
  "onOutage",
  "name",
  "idleTimeout",
  "absoluteTimeout",
  "cookie",
  "codec",
  "onStoreError",
  "now",
];

/**
 * Gives each request its session as `c.var.session`. Sets a cookie only for those who have data, and never takes
 * over an id that the store does not know.
 *
 * @throws TypeError for a store without atomic steps
 *
 * @example
 * ```ts
 * import { type SessionEnv, sessions } from "@kv/hono";
 * import { memoryStore } from "@kv/memory";
 * import { Hono } from "hono";
 *
 * interface Visitor {
 *   visits: number;
 * }
 *
 * const app = new Hono<SessionEnv<Visitor>>();
 * app.use(sessions<Visitor>(memoryStore(), { onOutage: "refuse" }));
 * app.get("/", async (c) => {
 *   const { visits } = await c.var.session.update((data) => ({ visits: (data?.visits ?? 0) + 1 }));
 *   return c.text(`Visit ${visits}`);
 * });
 * ```
 */
export function sessions<Data>(
  source: StoreSource<AtomicStore>,
  options: SessionsOptions<Data>,
): MiddlewareHandler<SessionEnv<Data>> {
  checkOptions(options, known);
  const {
    onOutage,
    name = "sessions",
    codec = json<Data>(),
    onStoreError = ignored,
    now = Date.now,
  } = options;
  checkChoice(onOutage, ["refuse", "anonymous"], "onOutage of sessions");
  const store = findStore(source, { name, capabilities: ["atomic"], purpose: "sessions" });
  const settings: SessionSettings<Data> = {
    store,
    codec: boundCodec(codec, store),
    now,
    retries: new RetryQueue(),
    ...lifetimes(options),
  };
  const tell = guarded(onStoreError);
  const cookie = sessionCookie(options.cookie ?? {}, settings.absoluteMs);

  return async (c, next) => {
    const brought = cookie.read(c);
    const session = await open(brought);
    c.set("session", session);
    const isPersonal = session.data !== undefined || session.outage !== undefined;
    await next();
    const forBrowser = session.answer();
    // An unknown id is left alone: what ends it here may answer later than what began another session there.
    if (forBrowser === "clear" && brought !== undefined) cookie.clear(c);
    if (typeof forBrowser === "object") cookie.set(c, forBrowser.id);
    // What was made for one visitor is for no cache between.
    if ((isPersonal || forBrowser !== undefined) && !c.res.headers.has("Cache-Control")) {
      c.header("Cache-Control", "private, no-cache");
    }

    function tellOf(error: StoreError): void {
      tell(error, c);
    }

    async function open(id: string | undefined): Promise<CurrentSession<Data>> {
      const opened = new CurrentSession(settings, tellOf);
      if (id === undefined || !isSessionId(id)) return opened;
      try {
        await opened.open(id);
        return opened;
      } catch (error) {
        if (!isStoreError(error)) throw error;
        tellOf(error);
        // A session that cannot be read any more is over.
        if (isStoreError(error, "KV_CORRUPT") || isStoreError(error, "KV_INVALID_VALUE")) {
          return new CurrentSession(settings, tellOf);
        }
        if (onOutage === "refuse") throw unavailable(error);
        return new CurrentSession(settings, tellOf, error);
      }
    }
  };
}

function lifetimes<Data>({ idleTimeout = "30m", absoluteTimeout = "12h" }: SessionsOptions<Data>): {
  idleMs: number;
  absoluteMs: number;
} {
  const idleMs = durationMs(idleTimeout, "idleTimeout");
  const absoluteMs = durationMs(absoluteTimeout, "absoluteTimeout");
  if (idleMs === Number.POSITIVE_INFINITY) {
    throw new RangeError("idleTimeout must not be Infinity: sessions that nobody uses would stay for ever.");
  }
  if (idleMs > absoluteMs) throw new RangeError("idleTimeout must not be longer than absoluteTimeout.");
  return { idleMs, absoluteMs };
}
