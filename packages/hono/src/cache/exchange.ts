import { type AtomicStore, isStoreError, type StoreError } from "@kv/core";
import { orWarn } from "@kv/core/driver";
import type { Context, Next } from "hono";
import { type StoreErrorListener, serviceUnavailable } from "../shared/store-outage.ts";
import { type CacheStatus, sendCacheStatus } from "./cache-status.ts";
import type { RequestsInFlight } from "./collapsed-request.ts";
import { ResponseEntries } from "./entries.ts";
import type { StoredResponse } from "./entry-format.ts";
import { answerOf } from "./stored-response.ts";

/** The checked options of a cache, and the state that its requests share. */
export interface CacheSettings {
  readonly store: AtomicStore;
  readonly freshForMs: number | undefined;
  readonly maxBodyBytes: number;
  readonly lockForMs: number;
  readonly onOutage: "compute" | "refuse";
  readonly onStoreError: StoreErrorListener;
  readonly now: () => number;
  readonly inFlight: RequestsInFlight;
}

/** A request and its answer, as the cache sees them. */
export class CacheExchange {
  readonly settings: CacheSettings;
  readonly c: Context;
  readonly next: Next;
  readonly entries: ResponseEntries;
  readonly url: string;
  readonly requestHeaders: Headers;
  /** The headers that middleware outside of the cache had set before. */
  readonly outerHeaders: Headers;

  constructor(settings: CacheSettings, c: Context, next: Next) {
    this.settings = settings;
    this.c = c;
    this.next = next;
    this.entries = new ResponseEntries(settings.store, settings.lockForMs, (error) => this.#report(error));
    this.url = c.req.raw.url;
    this.requestHeaders = c.req.raw.headers;
    this.outerHeaders = new Headers(c.res.headers);
  }

  /** Tells whether a stored response is fresh, or has not been stale for longer than `staleForMs`. */
  isUsable(stored: StoredResponse, staleForMs: number): boolean {
    return this.#freshnessLeftMs(stored) + staleForMs > 0;
  }

  /** Answers with a stored response if it is usable in that sense. Returns whether it did. */
  answerIfUsable(stored: StoredResponse, staleForMs: number): boolean {
    const leftMs = this.#freshnessLeftMs(stored);
    if (leftMs + staleForMs <= 0) return false;
    this.answer(stored, `hit; ttl=${Math.floor(leftMs / 1000)}`);
    return true;
  }

  answer(stored: StoredResponse, status: CacheStatus): void {
    this.replaceResponse(answerOf(stored, this.requestHeaders, this.outerHeaders, this.settings.now()));
    sendCacheStatus(this.c, status);
  }

  /** Sets the response in place of the handler's. */
  replaceResponse(response: Response): void {
    this.c.res = undefined; // or its headers would be added
    this.c.res = response;
  }

  /** Lets the handler answer, and stores nothing. */
  async forward(status: CacheStatus): Promise<void> {
    await this.next();
    sendCacheStatus(this.c, status);
  }

  /** Awaits a call of the store. Resolves with `undefined` where it fails and the request goes on without the store. */
  async unlessOutage<T>(call: Promise<T>): Promise<T | undefined> {
    try {
      return await call;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#report(error);
      if (this.settings.onOutage === "refuse") throw serviceUnavailable(error);
      return undefined;
    }
  }

  /** Awaits a call of the store on which the answer does not depend: a failure is only reported. */
  async tolerateOutage(call: Promise<unknown> | undefined): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#report(error);
    }
  }

  /** Lets work go on after the answer, in runtimes too that would end it. A rejection becomes a process warning. */
  waitUntil(work: Promise<unknown>): void {
    const settled = orWarn(() => work);
    let context: Context["executionCtx"];
    try {
      context = this.c.executionCtx;
    } catch {
      return; // Hono's way to say that this runtime has none
    }
    context.waitUntil(settled);
  }

  #freshnessLeftMs({ storedAtMs, freshForMs }: StoredResponse): number {
    return storedAtMs + freshForMs - this.settings.now();
  }

  #report(error: StoreError): void {
    this.settings.onStoreError(error, this.c);
  }
}
