import { isStoreError, type StoreError } from "@kv/core";
import { sessionKey } from "./id.ts";
import type { RetryQueue } from "./retry-queue.ts";
import { type Session, SessionEndedError } from "./session.ts";
import type { SessionEntries, SessionSnapshot } from "./session-entries.ts";

/** A change for the browser: a cookie with a new id, or none any more. */
export type CookieAction = { readonly id: string } | "clear";

/** The outcome of an attempt for which another request wrote the session first. */
class WriteConflict {
  readonly key: string;

  constructor({ key }: SessionSnapshot) {
    this.key = key;
  }
}

type Attempt<T> = (snapshot: SessionSnapshot | undefined) => Promise<T | WriteConflict>;

/** The session of one request: a snapshot of its entry, and the writes on it, one after the other. */
export class RequestSession<Data> implements Session<Data> {
  readonly #entries: SessionEntries<Data>;
  readonly #retries: RetryQueue;
  readonly #reportError: (error: StoreError) => void;
  readonly outage: StoreError | undefined;
  #snapshot: SessionSnapshot | undefined;
  #data: Data | undefined;
  #hasEnded = false;
  #isAnswered = false;
  #cookieAction: CookieAction | undefined;
  /** The end of the last write: two concurrent ones would begin two sessions. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  /**
   * @param retries shared by the requests of this process, for writes after a conflict
   * @param reportError gets each failure that a write rejects with
   * @param outage why the session could not be read; that was reported already
   */
  constructor(
    entries: SessionEntries<Data>,
    retries: RetryQueue,
    reportError: (error: StoreError) => void,
    outage?: StoreError,
  ) {
    this.#entries = entries;
    this.#retries = retries;
    this.#reportError = reportError;
    this.outage = outage;
  }

  get data(): Readonly<Data> | undefined {
    return this.#data;
  }

  /** Loads the session of an id, if there is one, and renews it in the same step. */
  async load(id: string): Promise<void> {
    await this.#reload(await sessionKey(id));
    if (this.#snapshot !== undefined) this.#data = await this.#entries.dataOf(this.#snapshot);
  }

  /** Returns the cookie action for the answer, which is on its way from now on: no cookie can be set any more. */
  finish(): CookieAction | undefined {
    this.#isAnswered = true;
    return this.#cookieAction;
  }

  update(change: (data: Data | undefined) => Data | Promise<Data>): Promise<Data> {
    return this.#write(async (snapshot) => {
      if (snapshot === undefined) return this.#begin(await change(undefined));
      const data = await change(await this.#entries.dataOf(snapshot));
      const replaced = await this.#entries.replace(snapshot, data);
      if (replaced === undefined) return new WriteConflict(snapshot);
      this.#snapshot = replaced;
      this.#data = data;
      return data;
    });
  }

  regenerate(change?: (data: Data | undefined) => Data | Promise<Data>): Promise<void> {
    return this.#write(async (snapshot) => {
      if (snapshot === undefined && change === undefined) return undefined;
      const old = snapshot === undefined ? undefined : await this.#entries.dataOf(snapshot);
      const data = change === undefined ? (old as Data) : await change(old);
      this.#assertNotAnswered();
      // The old id ends first, and only as it was read: no change that was stored meanwhile is lost, and of two
      // requests that regenerate one session only one goes on with it.
      if (snapshot !== undefined && !(await this.#entries.remove(snapshot)))
        return new WriteConflict(snapshot);
      await this.#begin(data);
      return undefined;
    });
  }

  destroy(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#snapshot !== undefined) await this.#entries.destroy(this.#snapshot);
      this.#forget();
      this.#hasEnded = false;
      this.#cookieAction = "clear";
    });
  }

  /** Attempts a write on the snapshot, and again on what is stored then for as long as there is a conflict. */
  #write<T>(attempt: Attempt<T>): Promise<T> {
    return this.#enqueue(async () => {
      let result = await attempt(this.#checkedSnapshot());
      while (result instanceof WriteConflict) result = await this.#retry(result.key, attempt);
      return result;
    });
  }

  #retry<T>(key: string, attempt: Attempt<T>): Promise<T | WriteConflict> {
    return this.#retries.run(key, async () => {
      await this.#reload(key);
      this.#hasEnded = this.#snapshot === undefined;
      return attempt(this.#checkedSnapshot());
    });
  }

  #enqueue<T>(write: () => Promise<T>): Promise<T> {
    const written = this.#lastWrite.then(async () => {
      // There may be a session that could not be read: a new one would replace it in the browser.
      if (this.outage !== undefined) throw this.outage;
      try {
        return await write();
      } catch (error) {
        if (isStoreError(error)) this.#reportError(error);
        throw error;
      }
    });
    this.#lastWrite = written.catch(() => {}); // the caller gets it, and the next write goes on
    return written;
  }

  #checkedSnapshot(): SessionSnapshot | undefined {
    if (this.#hasEnded || (this.#snapshot !== undefined && this.#entries.hasEnded(this.#snapshot))) {
      this.#forget();
      this.#hasEnded = true;
      throw new SessionEndedError();
    }
    return this.#snapshot;
  }

  /** Begins a session under a new id. The id of a cookie is never taken over. */
  async #begin(data: Data): Promise<Data> {
    this.#assertNotAnswered();
    const { id, snapshot } = await this.#entries.make(data);
    // If the write fails, there is no session, and the browser gets no cookie.
    this.#forget();
    await this.#entries.add(snapshot);
    this.#snapshot = snapshot;
    this.#data = data;
    this.#cookieAction = { id };
    return data;
  }

  async #reload(key: string): Promise<void> {
    this.#forget();
    this.#snapshot = await this.#entries.load(key);
  }

  #forget(): void {
    this.#snapshot = undefined;
    this.#data = undefined;
  }

  #assertNotAnswered(): void {
    if (!this.#isAnswered) return;
    throw new Error("The response is on its way, and its cookie with it: begin a session before you answer.");
  }
}
