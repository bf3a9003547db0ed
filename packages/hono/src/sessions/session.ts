import type { StoreError } from "@kv/core";
import { HTTPException } from "hono/http-exception";

/** The session of a request. A visitor has none until something is written. */
export interface Session<Data> {
  /** The data that were read or written last in this request; `undefined` for a visitor without session. */
  readonly data: Readonly<Data> | undefined;

  /** The failure for which the session could not be read, where `onOutage` is `"anonymous"`. Writes reject with it. */
  readonly outage: StoreError | undefined;

  /**
   * Replaces the data by what `change` makes of them as they stand in the store, and resolves with the new data once
   * they are stored. No other request's change is lost: `change` is called again where another one was stored
   * meanwhile. Begins a session where there is none.
   *
   * @throws SessionEndedError where the session ended while this request was in flight: nothing is written
   * @throws StoreError where the store failed
   */
  update(change: (data: Data | undefined) => Data | Promise<Data>): Promise<Data>;

  /**
   * Continues under a new id, and ends the old one: at every log-in, and whenever rights change. Changed data are never
   * stored under the old id. The lifetimes begin again. Without `change` a visitor without session stays one.
   *
   * @throws SessionEndedError, StoreError as `update`
   */
  regenerate(change?: (data: Data | undefined) => Data | Promise<Data>): Promise<void>;

  /**
   * Ends the session, in the store and in the browser. No request that is in flight brings it back.
   *
   * @throws StoreError where the store failed: the session may go on, so do not call it a log-out
   */
  destroy(): Promise<void>;
}

/** The session ended, by a log-out, a new id or its lifetime, while this request was in flight. Answers with 409. */
export class SessionEndedError extends HTTPException {
  override readonly name: string = "SessionEndedError";

  constructor() {
    super(409, { message: "The session ended during this request." });
  }
}
