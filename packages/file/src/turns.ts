import { type Answer, guarded } from "@kv/core/driver";

const turnMs = 1;

/**
 * Gives way to others: synchronous calls, in an `await` chain too, get about a millisecond of each turn of the event
 * loop, and what is left waits for the next one.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #untilMs: number | undefined;

  /** Whether there is time left in this turn, and nobody else waits for it. */
  mayRun(): boolean {
    if (this.#untilMs === undefined) {
      this.#untilMs = performance.now() + turnMs;
      setImmediate(this.#nextTurn);
      return true;
    }
    return this.#waiting.length === 0 && performance.now() < this.#untilMs;
  }

  /** Does something as soon as there is time for it. */
  next<T>(work: () => Answer<T>): Promise<T> {
    if (this.mayRun()) return Promise.resolve(work());
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** For long work: it gets a slice of its own now and then, however many others there are. */
  slice(): Slice {
    return new Slice(this);
  }

  readonly #nextTurn = guarded(() => {
    const untilMs = performance.now() + turnMs;
    let done = 0;
    for (const work of this.#waiting) {
      work();
      done += 1;
      if (performance.now() >= untilMs) break;
    }
    this.#waiting.splice(0, done);
    this.#untilMs = this.#waiting.length === 0 ? undefined : untilMs;
    if (this.#waiting.length > 0) setImmediate(this.#nextTurn);
  });
}

/** Long work looks at this at every step: `if (slice.isOver()) await slice.next()`. */
export class Slice {
  readonly #turns: Turns;
  #untilMs = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  isOver(): boolean {
    return performance.now() >= this.#untilMs;
  }

  async next(): Promise<void> {
    await this.#turns.next(() => undefined);
    this.#untilMs = performance.now() + turnMs;
  }
}
