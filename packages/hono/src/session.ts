import { type AtomicStore, type Bytes, isStoreError, type StoreError } from "@kv/core";
import { type BoundCodec, bytesOf, copyOf } from "@kv/core/driver";
import { HTTPException } from "hono/http-exception";
import { type RetryQueue } from "./retry-queue.ts";
import { newSessionId, sessionKey } from "./session-id.ts";
import { readRecord, writeRecord } from "./session-record.ts";

/** The session of a request. A visitor has none until something is written. */
export interface Session<Data> {
  /** What was read or written last in this request; `undefined` for a visitor without session. */
  readonly data: Readonly<Data> | undefined;

  /** The failure for which the session could not be read, where `onOutage` is `"anonymous"`. Writes reject with it. */
  readonly outage: StoreError | undefined;

  /**
   * Writes what `change` makes of the data as they stand in the store, and resolves once they are there: no other
   * request's change is lost, for `change` is called again where another came between. It begins a session where
   * there is none. Resolves with the new data.
   *
   * @throws SessionEndedError where the session ended while this request was under way: nothing is written
   * @throws StoreError where the store failed
   */
  update(change: (data: Data | undefined) => Data | Promise<Data>): Promise<Data>;

  /**
   * Goes on under a new id, and ends the old one: at every log-in, and whenever rights change. What is changed is
   * never stored under the old id. The lifetimes begin anew. Without `change` a visitor without session stays one.
   *
   * @throws SessionEndedError, StoreError as `update`
   */
  regenerate(change?: (data: Data | undefined) => Data | Promise<Data>): Promise<void>;

  /**
   * Ends the session, in the store and in the browser. No request that is under way brings it back.
   *
   * @throws StoreError where the store failed: the session may go on, so do not call it a log-out
   */
  destroy(): Promise<void>;
}

/** The session ended, by a log-out, a new id or its lifetime, while this request was under way. Answers with 409. */
export class SessionEndedError extends HTTPException {
  override readonly name: string = "SessionEndedError";

  constructor() {
    super(409, { message: "The session ended while this request was under way." });
  }
}

export interface SessionSettings<Data> {
  readonly store: AtomicStore;
  readonly codec: BoundCodec<Data>;
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly now: () => number;
  /** For the writes of all requests that lost a race. */
  readonly retries: RetryQueue;
}

/** A session as it was seen in the store. */
interface Seen {
  readonly key: string;
  readonly record: Bytes;
  readonly endsAtMs: number;
  readonly encoded: Bytes;
}

/** What a step gives that came too late: another request has written that session since it was seen. */
class Lost {
  readonly key: string;

  constructor({ key }: Seen) {
    this.key = key;
  }
}

type Step<T> = (seen: Seen | undefined) => Promise<T | Lost>;

/** What the response has to say to the browser: nothing, a new id, or that the session is over. */
type ForBrowser = { readonly id: string } | "clear" | undefined;

export class CurrentSession<Data> implements Session<Data> {
  readonly #settings: SessionSettings<Data>;
  #seen: Seen | undefined;
  #data: Data | undefined;
  #ended = false;
  #answered = false;
  #forBrowser: ForBrowser;
  /** The writes of one request go one after the other, or two of them would begin two sessions. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  readonly outage: StoreError | undefined;

  readonly #tell: (error: StoreError) => void;

  /**
   * @param tell is told of each failure that a write rejects with
   * @param outage why the session could not be read; whoever met it was told
   */
  constructor(settings: SessionSettings<Data>, tell: (error: StoreError) => void, outage?: StoreError) {
    this.#settings = settings;
    this.#tell = tell;
    this.outage = outage;
  }

  get data(): Readonly<Data> | undefined {
    return this.#data;
  }

  /** Reads the session of an id, if there is one, and renews it in the same step. */
  async open(id: string): Promise<void> {
    await this.#look(await sessionKey(id));
    if (this.#seen !== undefined) this.#data = await this.#decode(this.#seen);
  }

  /** What to tell the browser. From here on the response is on its way, and no cookie can be set any more. */
  answer(): ForBrowser {
    this.#answered = true;
    return this.#forBrowser;
  }

  update(change: (data: Data | undefined) => Data | Promise<Data>): Promise<Data> {
    return this.#untilWritten(async (seen) => {
      if (seen === undefined) return this.#begin(await change(undefined));
      const data = await change(await this.#decode(seen));
      if (!(await this.#replace(seen, data))) return new Lost(seen);
      this.#data = data;
      return data;
    });
  }

  regenerate(change?: (data: Data | undefined) => Data | Promise<Data>): Promise<void> {
    const { store } = this.#settings;
    return this.#untilWritten(async (seen) => {
      if (seen === undefined && change === undefined) return undefined;
      const old = seen === undefined ? undefined : await this.#decode(seen);
      const data = change === undefined ? (old as Data) : await change(old);
      this.#refuseOnceAnswered();
      // The old id ends first, and only as it was read: a change that came between is not lost, and of two
      // requests that regenerate one session only one goes on with it.
      if (seen !== undefined && !(await store.compareAndDelete(seen.key, seen.record))) return new Lost(seen);
      await this.#begin(data);
      return undefined;
    });
  }

  destroy(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#seen !== undefined) await this.#settings.store.delete(this.#seen.key);
      this.#forget();
      this.#ended = false;
      this.#forBrowser = "clear";
    });
  }

  /** Does a step on the session as it was seen, and again on what is there then for as long as others come first. */
  #untilWritten<T>(step: Step<T>): Promise<T> {
    return this.#inTurn(async () => {
      let result = await step(this.#checkGoingOn());
      while (result instanceof Lost) result = await this.#retry(result.key, step);
      return result;
    });
  }

  #retry<T>(key: string, step: Step<T>): Promise<T | Lost> {
    return this.#settings.retries.run(key, async () => {
      await this.#look(key);
      this.#ended = this.#seen === undefined;
      return step(this.#checkGoingOn());
    });
  }

  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#lastWrite.then(async () => {
      // Whether there is a session could not be seen: a new one would take its place in the browser.
      if (this.outage !== undefined) throw this.outage;
      try {
        return await write();
      } catch (error) {
        if (isStoreError(error)) this.#tell(error);
        throw error;
      }
    });
    this.#lastWrite = turn.catch(() => {}); // it reaches its caller; the next write has its own turn
    return turn;
  }

  #checkGoingOn(): Seen | undefined {
    const { now } = this.#settings;
    if (this.#ended || (this.#seen !== undefined && this.#seen.endsAtMs <= now())) {
      this.#forget();
      this.#ended = true;
      throw new SessionEndedError();
    }
    return this.#seen;
  }

  /** Begins a session under a new id. An id that a browser brought along is never taken over. */
  async #begin(data: Data): Promise<Data> {
    this.#refuseOnceAnswered();
    const { store, codec, absoluteMs, now } = this.#settings;
    const id = newSessionId();
    const key = await sessionKey(id);
    const endsAtMs = now() + absoluteMs;
    const record = copyOf(await writeRecord(endsAtMs, data, codec));
    // Seen as gone until it is written: if that fails, the browser hears of no session that is not there.
    this.#forget();
    await store.set(key, record, { expiresIn: this.#idleFor(endsAtMs) });
    this.#seen = { key, record, ...readRecord(record) };
    this.#data = data;
    this.#forBrowser = { id };
    return data;
  }

  async #replace(seen: Seen, data: Data): Promise<boolean> {
    const { store, codec } = this.#settings;
    const record = copyOf(await writeRecord(seen.endsAtMs, data, codec));
    const expiresIn = this.#idleFor(seen.endsAtMs);
    if (!(await store.compareAndSet(seen.key, seen.record, record, { expiresIn }))) return false;
    this.#seen = { ...seen, record, ...readRecord(record) };
    return true;
  }

  /** Looks at the session in the store, and renews it. */
  async #look(key: string): Promise<void> {
    const { store, idleMs, now } = this.#settings;
    this.#forget();
    const record = await store.get(key, { renewFor: { milliseconds: idleMs } });
    if (record === undefined) return;
    const { endsAtMs, encoded } = readRecord(record);
    if (endsAtMs > now()) this.#seen = { key, record, endsAtMs, encoded };
    else await store.delete(key); // renewed just now, it would stay for another while
  }

  async #decode({ encoded }: Seen): Promise<Data> {
    return this.#settings.codec.decode("a read of a session", copyOf(bytesOf(encoded)));
  }

  /** How long the entry lives from now, never beyond the end of the session. */
  #idleFor(endsAtMs: number): { milliseconds: number } {
    const { idleMs, now } = this.#settings;
    return { milliseconds: Math.max(1, Math.min(idleMs, endsAtMs - now())) };
  }

  #forget(): void {
    this.#seen = undefined;
    this.#data = undefined;
  }

  #refuseOnceAnswered(): void {
    if (!this.#answered) return;
    throw new Error("The response is on its way, and its cookie with it: begin a session before you answer.");
  }
}
