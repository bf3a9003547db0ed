import type { Answer, Driver, Explanation } from "./driver.ts";
import { longestTimerMs } from "./duration.ts";
import { isStoreError, StoreError } from "./error.ts";
import { isMistake } from "./mistake.ts";
import { atPlace } from "./place.ts";

/**
 * The calls of one store: refused after its end, counted while they are under way, their errors wrapped. The
 * calls of a namespace count as its parent's too.
 */
export class Calls {
  readonly #driver: Driver;
  readonly #path: readonly string[] | null;
  readonly #timeoutMs: number;
  /** These calls and those of every store above, which count and end together. */
  readonly #withParents: readonly Calls[];
  #underWay = 0;
  #allSettled: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(driver: Driver, path: readonly string[] | null, timeoutMs: number, parent?: Calls) {
    this.#driver = driver;
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    this.#withParents = parent === undefined ? [this] : [this, ...parent.#withParents];
  }

  /** The calls of a namespace of this store. */
  child(path: readonly string[]): Calls {
    return new Calls(this.#driver, path, this.#timeoutMs, this);
  }

  /**
   * Makes one call. It starts before this returns, so that calls stay in order (S6), and an answer given at once
   * costs one promise. `start` is given `args`: where a call is as short as a look into a Map, to close over them
   * costs a tenth of it.
   */
  run<A, R, P extends readonly unknown[]>(
    operation: string,
    start: (...args: P) => Answer<A>,
    finish: (answer: A) => R,
    ...args: P
  ): Promise<R> {
    try {
      this.refuseAfterClose(operation);
      const answer = start(...args);
      if (answer instanceof Promise) return this.#whenSettled(operation, answer, finish);
      return Promise.resolve(finish(answer));
    } catch (error) {
      return Promise.reject(this.#explained(operation, error));
    }
  }

  #whenSettled<A, R>(operation: string, answer: Promise<A>, finish: (answer: A) => R): Promise<R> {
    this.#began();
    return answer.then(
      (settled) => {
        this.#ended();
        return finish(settled);
      },
      (error: unknown) => {
        this.#ended();
        throw this.#explained(operation, error);
      },
    );
  }

  refuseAfterClose(operation: string): void {
    for (const calls of this.#withParents) {
      if (calls.#closing !== undefined) {
        throw this.error("KV_CLOSED", operation, "the store was closed. Open a new one.");
      }
    }
  }

  error(code: StoreError["code"], operation: string, message: string, options?: ErrorOptions): StoreError {
    const place = atPlace(operation, this.#driver.label, this.#path);
    const error = new StoreError(code, `${place}: ${message}`, options);
    complete.add(error);
    return error;
  }

  /** Ends the store: waits for what is under way and, at a root, closes the driver, at most `timeout` in all. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const untilMs = performance.now() + this.#timeoutMs;
    if (this.#underWay > 0) {
      await within(
        this.#timeoutMs,
        new Promise<void>((resolve) => {
          this.#allSettled = resolve;
        }),
      );
    }
    if (this.#withParents.length > 1 || this.#driver.close === undefined) return;
    const remainingMs = Math.max(0, untilMs - performance.now());
    let inTime: boolean;
    try {
      const answer = this.#driver.close(remainingMs);
      inTime = !(answer instanceof Promise) || (await within(remainingMs, answer));
    } catch (error) {
      throw this.#explained("close", error);
    }
    if (!inTime) throw this.error("KV_FAILED", "close", `it did not end within ${this.#timeoutMs} ms.`);
  }

  #began(): void {
    for (const calls of this.#withParents) calls.#underWay += 1;
  }

  #ended(): void {
    for (const calls of this.#withParents) {
      calls.#underWay -= 1;
      if (calls.#underWay === 0) calls.#allSettled?.();
    }
  }

  #explained(operation: string, error: unknown): unknown {
    if (isMistake(error)) return error;
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

/** Whether a promise settles within so long. */
async function within(limitMs: number, promise: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, Math.min(limitMs, longestTimerMs), false);
  });
  try {
    return await Promise.race([promise.then(() => true), limit]);
  } finally {
    clearTimeout(timer);
  }
}
