import { type AtomicStore, isStoreError, type StoreError } from "@kv/core";
import { guarded, inBackground, orWarn } from "@kv/core/driver";
import type { Context, Next } from "hono";
import type { StoredResponse } from "./cache-entry.ts";
import { isKeyOf, urlKey } from "./cache-key.ts";
import { type CacheStatus, sendCacheStatus } from "./cache-status.ts";
import { collectBody } from "./collect-body.ts";
import { Computation, type Outcome } from "./computation.ts";
import { type StoreErrorListener, unavailable } from "./outage.ts";
import { conditionalHeaders, isUnchanged } from "./precondition.ts";
import { type Found, type Lease, ResponseEntries } from "./response-entries.ts";
import { type Terms, termsOf } from "./storable.ts";
import { answerOf, notModified, storedResponse } from "./stored-response.ts";
import { conditionsOf, refreshed } from "./validation.ts";

export interface CacheSettings {
  readonly store: AtomicStore;
  readonly freshForMs: number | undefined;
  readonly maxBodyBytes: number;
  readonly lockForMs: number;
  readonly onOutage: "compute" | "refuse";
  readonly tell: StoreErrorListener;
  readonly now: () => number;
  /** What is being computed in this process, by key. */
  readonly underWay: Map<string, Computation>;
}

const firstWaitMs = 10;
const longestWaitMs = 250;

/** How often a request looks before it computes for itself, whatever others do. */
const mostLooks = 5;

/** The statuses in the place of which RFC 5861 (section 4) allows a stale response. */
const errors: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** One request, as the cache handles it. */
export class CachedRequest {
  readonly #settings: CacheSettings;
  readonly #c: Context;
  readonly #next: Next;
  readonly #entries: ResponseEntries;
  readonly #url: string;
  readonly #asked: Headers;
  /** What middleware outside of the cache had set before. */
  readonly #outer: Headers;

  constructor(settings: CacheSettings, c: Context, next: Next) {
    this.#settings = settings;
    this.#c = c;
    this.#next = next;
    this.#entries = new ResponseEntries(settings.store, settings.lockForMs, (error) => this.#report(error));
    this.#url = c.req.raw.url;
    this.#asked = c.req.raw.headers;
    this.#outer = new Headers(c.res.headers);
  }

  async get(): Promise<void> {
    const { underWay } = this.#settings;
    for (let looks = 0; looks < mostLooks; looks += 1) {
      // Without a store, requests for one URL still wait for one another in this process.
      const found = await this.#unlessOutage(() => this.#entries.find(this.#url, this.#asked));
      const { entry, key } = found ?? { entry: undefined, key: urlKey(this.#url) };
      if (entry?.kind === "response" && this.#answerWhile(0, entry)) return;
      const stale = entry?.kind === "response" ? entry : undefined;

      let outcome: Outcome | "answered";
      const other = underWay.get(key);
      if (found !== undefined && entry?.kind === "pass") outcome = await this.#computePassing(found);
      else if (other === undefined) outcome = await this.#lead(found, key, stale);
      else if (stale !== undefined && this.#answerWhile(stale.staleWhileRevalidateMs, stale)) return;
      else outcome = await other.outcome;

      if (outcome === "answered") return;
      if (outcome === "compute") break;
      // A stale one that stands for an error may have served its time meanwhile.
      if (outcome !== "look again" && this.#isWithin(outcome.staleIfErrorMs, outcome)) {
        return this.#answer(outcome, "fwd=uri-miss; collapsed");
      }
    }
    await this.#next();
    sendCacheStatus(this.#c, "fwd=uri-miss");
  }

  /** HEAD is answered from what GET stored; what it computes itself is never stored, for it has no body. */
  async head(): Promise<void> {
    const found = await this.#unlessOutage(() => this.#entries.find(this.#url, this.#asked));
    if (found?.entry?.kind === "response" && this.#answerWhile(0, found.entry)) return;
    await this.#next();
    sendCacheStatus(this.#c, "fwd=uri-miss");
  }

  /** After a request that changed something (RFC 9111, section 4.4). */
  async removeUrl(): Promise<void> {
    const { underWay } = this.#settings;
    // What they compute may be from before the change: those who come from now on do not wait for it.
    for (const key of underWay.keys()) if (isKeyOf(this.#url, key)) underWay.delete(key);
    await this.#quietly(() => this.#entries.remove(this.#url));
  }

  /** Computes for all who want the same, unless another process does. */
  async #lead(
    found: Found | undefined,
    key: string,
    stale: StoredResponse | undefined,
  ): Promise<Outcome | "answered"> {
    const { underWay } = this.#settings;
    const computation = new Computation(() => {
      if (underWay.get(key) === computation) underWay.delete(key);
    });
    underWay.set(key, computation);
    try {
      const taken = found && (await this.#unlessOutage(() => this.#takeOrWait(found, stale)));
      if (taken === "elsewhere") {
        computation.end("look again");
        return stale !== undefined && this.#answerWhile(stale.staleWhileRevalidateMs, stale)
          ? "answered"
          : "look again";
      }
      await this.#compute(taken, computation, stale);
      return "answered";
    } catch (error) {
      computation.end("look again"); // and meet the same, or not
      throw error;
    }
  }

  /** The lease, or, once another process is done or a stale response will do meanwhile, `elsewhere`. */
  async #takeOrWait(found: Found, stale: StoredResponse | undefined): Promise<Lease | "elsewhere"> {
    const lease = found.entry?.kind === "pending" ? undefined : await this.#entries.take(found);
    if (lease !== undefined) return lease;
    if (stale !== undefined && this.#isWithin(stale.staleWhileRevalidateMs, stale)) return "elsewhere";
    let waitMs = firstWaitMs;
    do {
      await passed(waitMs * (0.5 + Math.random() / 2));
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    } while (await this.#entries.isUnderWay(found));
    return "elsewhere";
  }

  /** Computes while others do so too, for the response could not be stored of late. */
  async #computePassing(found: Found): Promise<"answered"> {
    const lease = await this.#entries.take(found);
    await this.#compute(lease, new Computation(() => {}), undefined);
    return "answered";
  }

  /** Lets the handler answer, and stores what it answers where it may be stored. */
  async #compute(
    lease: Lease | undefined,
    computation: Computation,
    stale: StoredResponse | undefined,
  ): Promise<void> {
    const { freshForMs, now } = this.#settings;
    const c = this.#c;
    await this.#askForAll(lease, stale);
    const status = statusOf(lease?.found);
    const terms = c.error === undefined ? termsOf(c.res, freshForMs, now()) : undefined;
    if (terms !== undefined) {
      this.#answerAndStore(lease, computation, terms);
      sendCacheStatus(c, status);
      return;
    }
    const isError = c.error !== undefined || errors.has(c.res.status);
    const standIn =
      isError && stale !== undefined && this.#isWithin(stale.staleIfErrorMs, stale) ? stale : undefined;
    this.#goOn(() =>
      computation.finish(standIn ?? "compute", () =>
        this.#quietly(
          async () =>
            lease && (standIn === undefined ? this.#entries.pass(lease) : this.#entries.giveBack(lease)),
        ),
      ),
    );
    if (standIn !== undefined && this.#answerWhile(standIn.staleIfErrorMs, standIn)) return;
    sendCacheStatus(c, status);
  }

  /**
   * Asks the handler for a response that will do for others too, and keeps the lease meanwhile. Where a stale one can be
   * validated, the handler may answer that it is still right.
   */
  async #askForAll(lease: Lease | undefined, stale: StoredResponse | undefined): Promise<void> {
    const c = this.#c;
    const { req } = c;
    const { raw } = req;
    const isForAll = lease?.mark !== undefined;
    const conditions = isForAll && stale !== undefined ? conditionsOf(stale) : [];
    if (isForAll && (conditions.length > 0 || conditionalHeaders.some((name) => raw.headers.has(name)))) {
      const headers = new Headers(raw.headers);
      for (const name of conditionalHeaders) headers.delete(name);
      for (const [name, value] of conditions) headers.set(name, value);
      req.raw = new Request(raw, { headers });
    }
    const keeping = setInterval(
      guarded(() => this.#quietly(async () => lease && this.#entries.keep(lease))),
      this.#settings.lockForMs / 3,
    );
    try {
      await this.#next();
    } catch (error) {
      if (lease !== undefined) this.#goOn(() => this.#quietly(() => this.#entries.giveBack(lease)));
      throw error;
    } finally {
      clearInterval(keeping);
      req.raw = raw;
    }
    if (conditions.length === 0 || stale === undefined || c.error !== undefined || c.res.status !== 304)
      return;
    const nowMs = this.#settings.now();
    // What is not made fresh is answered with its age, and too old to be stored.
    const whole =
      refreshed(stale, c.res.headers, nowMs) ?? answerOf(stale, new Headers(), this.#outer, nowMs);
    c.res = undefined; // or its headers would be added
    c.res = whole;
  }

  /** Answers at once, as the body comes, and stores it when it has come. */
  #answerAndStore(lease: Lease | undefined, computation: Computation, terms: Terms): void {
    const c = this.#c;
    const response = c.res;
    const { status, headers } = response;
    const [forClient, forStore] = response.body?.tee() ?? [null, null];
    this.#goOn(async () => {
      try {
        await this.#store(lease, computation, terms, response, forStore);
      } catch (error) {
        // Whatever it was: nobody waits any longer, here or in another process.
        computation.end("compute");
        if (lease !== undefined) await this.#quietly(() => this.#entries.giveBack(lease));
        throw error;
      }
    });
    c.res = undefined;
    if (status === 200 && isUnchanged(this.#asked, headers, this.#settings.now())) {
      inBackground(() => forClient?.cancel());
      c.res = notModified(headers, this.#outer);
    } else c.res = new Response(forClient, { status, headers });
  }

  async #store(
    lease: Lease | undefined,
    computation: Computation,
    terms: Terms,
    response: Response,
    stream: ReadableStream<Uint8Array> | null,
  ): Promise<void> {
    const { maxBodyBytes, lockForMs, now } = this.#settings;
    const body = await collectBody(stream, maxBodyBytes, lockForMs);
    if (body === undefined) {
      await computation.finish("compute", () =>
        this.#quietly(async () => lease && this.#entries.pass(lease)),
      );
      return;
    }
    const stored = storedResponse(response, body, terms, this.#outer, now());
    const known = lease?.found.rule?.vary ?? [];
    const put = () =>
      this.#quietly(async () => lease && this.#entries.put(lease, stored, terms.vary, this.#asked));
    // Those who wait for this key may have other headers, on which the response turns out to depend.
    if (terms.vary.every((name) => known.includes(name))) await computation.finish(stored, put);
    else {
      await put();
      computation.end(lease === undefined ? "compute" : "look again");
    }
  }

  /** Answers with a stored response if it is fresh, or has not been stale for longer than that. */
  #answerWhile(staleForMs: number, stored: StoredResponse): boolean {
    if (!this.#isWithin(staleForMs, stored)) return false;
    const leftMs = stored.storedAtMs + stored.freshForMs - this.#settings.now();
    this.#answer(stored, `hit; ttl=${Math.floor(leftMs / 1000)}`);
    return true;
  }

  #isWithin(staleForMs: number, { storedAtMs, freshForMs }: StoredResponse): boolean {
    return this.#settings.now() < storedAtMs + freshForMs + staleForMs;
  }

  #answer(stored: StoredResponse, status: CacheStatus): void {
    this.#c.res = undefined; // or its headers would be added
    this.#c.res = answerOf(stored, this.#asked, this.#outer, this.#settings.now());
    sendCacheStatus(this.#c, status);
  }

  /** What a call of the store gives, `undefined` where it fails and the request goes on without. */
  async #unlessOutage<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#report(error);
      if (this.#settings.onOutage === "refuse") throw unavailable(error);
      return undefined;
    }
  }

  /** A call of the store on which the answer does not depend. */
  async #quietly(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#report(error);
    }
  }

  #report(error: StoreError): void {
    this.#settings.tell(error, this.#c);
  }

  /** Lets work go on after the answer. Some runtimes have to be told of it, or they end it. */
  #goOn(work: () => Promise<void>): void {
    const over = orWarn(work);
    let context: Context["executionCtx"];
    try {
      context = this.#c.executionCtx;
    } catch {
      return; // Hono's way to say that this runtime has none
    }
    context.waitUntil(over);
  }
}

function statusOf(found: Found | undefined): CacheStatus {
  if (found?.entry?.kind === "response") return "fwd=stale";
  return found?.rule === undefined ? "fwd=uri-miss" : "fwd=vary-miss";
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
