import type { Codec, Duration, StoreError } from "@kv/core";
import { checkOptions, durationMs, guarded, lenientJson } from "@kv/core/driver";
import type { StoredSession } from "./stored-session.ts";

export interface SessionStoreOptions {
  /**
   * What becomes of a request whose session cannot be read because the store fails: `"refuse"` gives the framework
   * the error, which answers with 500 unless told otherwise; `"anonymous"` goes on as if there were no session. A
   * failed save, renewal or destroy is an error either way.
   */
  readonly onOutage: "refuse" | "anonymous";

  /** The name to ask a registry for: `sessions` unless told. */
  readonly name?: string | undefined;

  /**
   * How long a session lives from its last request where the cookie does not say it, as one that ends with the
   * browser: `"1d"` unless told.
   */
  readonly idleTimeout?: Duration | undefined;

  /** Ends a session this long after it was first saved under its id, however busy it is: never unless told. */
  readonly absoluteTimeout?: Duration | undefined;

  /** Keeps sessions under the SHA-256 of their ids: `true` unless told. See `ids` and `storedId`. */
  readonly hashIds?: boolean | undefined;

  /** How sessions are written: as JSON unless told. */
  readonly codec?: Codec<StoredSession> | undefined;

  /**
   * Is told once of each failure of the store: of those that a callback or the framework hears of too, what `"anonymous"`
   * passed over, and a stored session that cannot be read (it counts as over).
   */
  readonly onStoreError?: ((error: StoreError) => void) | undefined;
}

export interface SessionSettings {
  readonly name: string;
  readonly onOutage: "refuse" | "anonymous";
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly hashIds: boolean;
  readonly codec: Codec<StoredSession>;
  readonly tell: (error: StoreError) => void;
}

const known = ["onOutage", "name", "idleTimeout", "absoluteTimeout", "hashIds", "codec", "onStoreError"];

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
    tell: guarded(options.onStoreError ?? (() => {})),
  };
}
