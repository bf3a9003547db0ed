import type { StoreError } from "@kv/core";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";

/** Gets each failure of the store, for example to log it: the middleware itself prints nothing. */
export type StoreErrorListener = (error: StoreError, c: Context) => void;

/**
 * Makes the 503 for a failure of the store. An `onError` of the application gets it, with the store's error as `cause`.
 */
export function serviceUnavailable(cause: StoreError): HTTPException {
  return new HTTPException(503, { message: "Service Unavailable", cause });
}

export function noop(): void {}
