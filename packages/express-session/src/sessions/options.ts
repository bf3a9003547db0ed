import type { Codec, Duration, StoreError } from "@kv/core";
import { checkOptions, durationMs, guarded, lenientJson } from "@kv/core/driver";
import type { StoredSession } from "./stored-session.ts";

/** The options of `sessionStore`. */
export interface SessionStoreOptions {
  /**
   * The answer to a request whose session cannot be read because the store fails: `"refuse"` gives the framework the
   * error, which answers with 500 by default; `"anonymous"` goes on as if there were no session. A failed save, renewal
   * or destroy is an error either way.
   */
  readonly onOutage: "refuse" | "anonymous";

  /** The name to ask a registry for. Default: `sessions`. */
  readonly name?: string | undefined;

  /**
   * Ends a session after this long without a request, where its cookie has no expiry and ends with the browser.
   * Default: `"1d"`.
   */
  readonly idleTimeout?: Duration | undefined;

  /** Ends a session this long after it was first saved under its id, however busy it is. Default: never. */
  readonly absoluteTimeout?: Duration | undefined;

  /** Stores sessions under the SHA-256 of their ids. See `ids` and `storedId`. Default: `true`. */
  readonly hashIds?: boolean | undefined;

  /** Writes and reads sessions. Default: as JSON. */
  readonly codec?: Codec<StoredSession> | undefined;

  /**
   * Gets each failure of the store once: those that a callback or the framework gets too, those that `"anonymous"`
   * ignores, and those of a stored session that cannot be read (it counts as ended).
   */
  readonly onStoreError?: ((error: StoreError) => void) | undefined;
}

/** The options of a session store, checked and with their defaults. */
export interface SessionSettings {
  readonly name: string;
  readonly onOutage: "refuse" | "anonymous";
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly hashIds: boolean;
  readonly codec: Codec<StoredSession>;
  readonly reportError: (error: StoreError) => void;
}

const known = ["onOutage", "name", "idleTimeout", "absoluteTimeout", "hashIds", "codec", "onStoreError"];

/** Checks the options of a session store. */
export function sessionSettings(options: SessionStoreOptions): SessionSettings {
  checkOptions(options, known);
  const {
    onOutage,
    name = "sessions",
    idleTimeout = "1d",
    absoluteTimeout = Number.POSITIVE_INFINITY,
    hashIds = true,
  } = options;
  if (onOutage !== "refuse" && onOutage !== "anonymous") {
    throw new TypeError('onOutage must be "refuse" or "anonymous": only you can choose.');
  }
  if (typeof hashIds !== "boolean") throw new TypeError("hashIds must be true or false.");
  return {
    name,
    onOutage,
    idleMs: durationMs(idleTimeout, "idleTimeout"),
    absoluteMs: durationMs(absoluteTimeout, "absoluteTimeout"),
    hashIds,
    codec: options.codec ?? lenientJson<StoredSession>(),
    reportError: guarded(options.onStoreError ?? (() => {})),
  };
}
