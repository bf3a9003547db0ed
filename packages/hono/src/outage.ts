import type { StoreError } from "@kv/core";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";

/** Is told of each failure of the store, so that it can be written down: the middleware itself prints nothing. */
export type StoreErrorListener = (error: StoreError, c: Context) => void;

/** Answers with 503, unless the application's `onError` makes something else of it; `cause` is the store's error. */
export function unavailable(cause: StoreError): HTTPException {
  return new HTTPException(503, { message: "Service Unavailable", cause });
}

/** What a failure is told to where nobody asked for it. */
export function ignored(): void {}
