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
import { boundCodec, checkOptions, durationMs, guarded, time } from "@kv/core/driver";
import type { MiddlewareHandler } from "hono";
import { checkChoice } from "../shared/options.ts";
import { noop, type StoreErrorListener, serviceUnavailable } from "../shared/store-outage.ts";
import { type SessionCookieOptions, sessionCookie } from "./cookie.ts";
import { isSessionId } from "./id.ts";
import { RequestSession } from "./request-session.ts";
import { RetryQueue } from "./retry-queue.ts";
import type { Session } from "./session.ts";
import { SessionEntries } from "./session-entries.ts";

/** The options of `sessions`. */
export interface SessionsOptions<Data> {
  /**
   * The answer to a request whose session cannot be read because the store fails: `"refuse"` is a 503; `"anonymous"`
   * goes on without session (`session.outage` has the failure), and writes reject.
   */
  readonly onOutage: "refuse" | "anonymous";

  /** The name to ask a registry for. Default: `sessions`. */
  readonly name?: string | undefined;

  /** Ends a session after this long without a request. Default: `"30m"`. */
  readonly idleTimeout?: Duration | undefined;

  /** Ends a session this long after it began or got a new id, however busy it is. Default: `"12h"`. */
  readonly absoluteTimeout?: Duration | undefined;

  /** The name, path and flags of the cookie. Default: safe ones. */
  readonly cookie?: SessionCookieOptions | undefined;

  /** Writes and reads the data; `json(schema)` checks them, too. Default: `json()`. */
  readonly codec?: Codec<Data> | undefined;

  /**
   * Gets each failure of the store once: those for which a session could not be read, those with which a write rejects,
   * and entries that cannot be read. A `SessionEndedError` is none.
   */
  readonly onStoreError?: StoreErrorListener | undefined;

  /** The wall clock that `absoluteTimeout` is measured by, in milliseconds. For tests. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The environment of `new Hono<SessionEnv<Data>>()`. A type, not an interface: Hono asks for an index signature. */
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
 * Makes a middleware that gives each request its session as `c.var.session`. It sets a cookie only where there are
 * data, and never takes over an id that the store does not know.
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
    onStoreError = noop,
    now = () => time.wallMs(),
  } = options;
  checkChoice(onOutage, ["refuse", "anonymous"], "onOutage of sessions");
  const store = findStore(source, { name, capabilities: ["atomic"], purpose: "sessions" });
  const { idleMs, absoluteMs } = lifetimes(options);
  const entries = new SessionEntries({ store, codec: boundCodec(codec, store), idleMs, absoluteMs, now });
  const retries = new RetryQueue();
  const onError = guarded(onStoreError);
  const cookie = sessionCookie(options.cookie ?? {}, absoluteMs);

  return async (c, next) => {
    const requestId = cookie.read(c);
    const session = await load(requestId);
    c.set("session", session);
    const isPrivate = session.data !== undefined || session.outage !== undefined;
    await next();
    const action = session.finish();
    // The cookie of an unknown id is left alone: another request with it may have begun a session, and be answered first.
    if (action === "clear" && requestId !== undefined) cookie.clear(c);
    if (typeof action === "object") cookie.set(c, action.id);
    if ((isPrivate || action !== undefined) && !c.res.headers.has("Cache-Control")) {
      c.header("Cache-Control", "private, no-cache");
    }

    function newSession(outage?: StoreError): RequestSession<Data> {
      return new RequestSession(entries, retries, reportError, outage);
    }

    function reportError(error: StoreError): void {
      onError(error, c);
    }

    async function load(id: string | undefined): Promise<RequestSession<Data>> {
      const loaded = newSession();
      if (id === undefined || !isSessionId(id)) return loaded;
      try {
        await loaded.load(id);
        return loaded;
      } catch (error) {
        if (!isStoreError(error)) throw error;
        reportError(error);
        // A session that cannot be read any more has ended.
        if (isStoreError(error, "KV_CORRUPT") || isStoreError(error, "KV_INVALID_VALUE")) return newSession();
        if (onOutage === "refuse") throw serviceUnavailable(error);
        return newSession(error);
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
    throw new RangeError("idleTimeout must not be Infinity: sessions that nobody uses would stay forever.");
  }
  if (idleMs > absoluteMs) throw new RangeError("idleTimeout must not be longer than absoluteTimeout.");
  return { idleMs, absoluteMs };
}
