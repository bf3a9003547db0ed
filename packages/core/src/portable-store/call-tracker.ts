import type { Answer } from "../concurrency/answer.ts";
import type { Driver, Explanation } from "../driver/driver.ts";
import { isCallerError } from "../errors/caller-error.ts";
import { isStoreError, StoreError } from "../errors/store-error.ts";
import { time } from "../time/time.ts";
import { settlesWithin } from "../time/wait.ts";
import { describeCall } from "./namespace-id.ts";

/**
 * The calls of one store: refused once it is closed, counted while they are in flight, their errors wrapped. The calls of a
 * namespace count as its parent's too.
 */
export class CallTracker {
  readonly #driver: Driver;
  readonly #path: readonly string[] | null;
  readonly #timeoutMs: number;
  /** This tracker and those of every store above, which count and close together. */
  readonly #withParents: readonly CallTracker[];
  #inFlight = 0;
  #allSettled: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(driver: Driver, path: readonly string[] | null, timeoutMs: number, parent?: CallTracker) {
    this.#driver = driver;
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    this.#withParents = parent === undefined ? [this] : [this, ...parent.#withParents];
  }

  /** Tracks the calls of a namespace of this store. */
  child(path: readonly string[]): CallTracker {
    return new CallTracker(this.#driver, path, this.#timeoutMs, this);
  }

  /**
   * Makes a method of the store. A call starts before the method returns, so that calls stay in order (S6), and one that the
   * driver answers synchronously costs one promise.
   *
   * @param operation The name of the method, as errors and stack traces show it.
   * @param start Asks the driver.
   * @param finish Turns its answer into that of the method. Default: the answer is taken as it is.
   */
  method<P extends readonly unknown[], A, R = A>(
    operation: string,
    start: (...args: P) => Answer<A>,
    finish?: (answer: A) => R,
  ): (...args: P) => Promise<R> {
    const call = (...args: P): Promise<R> => {
      try {
        this.assertOpen(operation);
        const answer = start(...args);
        if (answer instanceof Promise) return this.#whenSettled(operation, answer, finish);
        return Promise.resolve(finish === undefined ? (answer as unknown as R) : finish(answer));
      } catch (error) {
        return Promise.reject(this.#toStoreError(operation, error));
      }
    };
    Object.defineProperty(call, "name", { value: operation });
    return call;
  }

  #whenSettled<A, R>(operation: string, answer: Promise<A>, finish?: (answer: A) => R): Promise<R> {
    this.#began();
    return answer.then(
      (settled) => {
        this.#ended();
        return finish === undefined ? (settled as unknown as R) : finish(settled);
      },
      (error: unknown) => {
        this.#ended();
        throw this.#toStoreError(operation, error);
      },
    );
  }

  /** @throws StoreError `KV_CLOSED` once the store, or one above it, is closed */
  assertOpen(operation: string): void {
    for (const calls of this.#withParents) {
      if (calls.#closing !== undefined) {
        throw this.error("KV_CLOSED", operation, "the store was closed. Open a new one.");
      }
    }
  }

  /** Makes an error that names the store and the operation. */
  error(code: StoreError["code"], operation: string, message: string, options?: ErrorOptions): StoreError {
    const place = describeCall(operation, this.#driver.label, this.#path);
    const error = new StoreError(code, `${place}: ${message}`, options);
    complete.add(error);
    return error;
  }

  /** Closes the store: waits for the calls in flight and, at a root, closes the driver; takes at most `timeout` in all. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const untilMs = time.monotonicMs() + this.#timeoutMs;
    if (this.#inFlight > 0) {
      await settlesWithin(
        this.#timeoutMs,
        new Promise<void>((resolve) => {
          this.#allSettled = resolve;
        }),
      );
    }
    if (this.#withParents.length > 1 || this.#driver.close === undefined) return;
    const remainingMs = Math.max(0, untilMs - time.monotonicMs());
    let inTime: boolean;
    try {
      const answer = this.#driver.close(remainingMs);
      inTime = !(answer instanceof Promise) || (await settlesWithin(remainingMs, answer));
    } catch (error) {
      throw this.#toStoreError("close", error);
    }
    if (!inTime) throw this.error("KV_FAILED", "close", `it did not end within ${this.#timeoutMs} ms.`);
  }

  #began(): void {
    for (const calls of this.#withParents) calls.#inFlight += 1;
  }

  #ended(): void {
    for (const calls of this.#withParents) {
      calls.#inFlight -= 1;
      if (calls.#inFlight === 0) calls.#allSettled?.();
    }
  }

  #toStoreError(operation: string, error: unknown): unknown {
    if (isCallerError(error)) return error;
    if (isStoreError(error)) {
      return complete.has(error)
        ? error
        : this.error(error.code, operation, error.message, { cause: error.cause });
    }
    const { code, message, cause = error } = this.#driver.explain?.(error) ?? unexplained;
    return this.error(code, operation, message, { cause });
  }
}

/** Errors that name their store and operation already. */
const complete = new WeakSet<object>();

const unexplained: Explanation = {
  code: "KV_FAILED",
  message: "the backend failed in a way that it does not explain; see the cause.",
};
