import type { Answer } from "./answer.ts";
import { requestsSharePromises } from "./single-flight.ts";

/**
 * Does the work on a key in the order in which it was asked for, one at a time, and lets different keys go their own ways.
 * A key may be a path (`a/b/key`): then `runAlone` can have a folder to itself.
 *
 * On Cloudflare Workers, where a request may not wait for a promise of another, nothing waits.
 */
export class KeyedQueue {
  /** By key, settled when the last work on it is over. */
  readonly #last = new Map<string, Promise<void>>();
  /** By the work that has all of a path. */
  readonly #barriers = new Map<Promise<void>, string>();

  /** Tells whether work on a key would begin synchronously. */
  isFree(key: string): boolean {
    return this.#aheadOf(key) === undefined;
  }

  /** Does the work now where nothing is in flight on that key, synchronously where it can. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  run<T>(key: string, work: () => Answer<T>): Answer<T>;
  run<T>(key: string, work: () => Answer<T>): Answer<T> {
    const ahead = this.#aheadOf(key);
    const answer = ahead === undefined ? work() : ahead.then(work);
    if (!isThenable(answer) || !requestsSharePromises()) return answer;
    const done = (): void => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    };
    const over: Promise<void> = Promise.resolve(answer).then(done, done);
    this.#last.set(key, over);
    return answer;
  }

  /**
   * Does the work when all is over that was asked for earlier; what is asked for later begins when this work is over. So
   * work that waits for `run` of its own queue would wait for itself.
   *
   * @param path Only what lies below it counts. Default: every key.
   */
  runAlone<T>(work: () => Promise<T>, path?: string): Promise<T>;
  runAlone<T>(work: () => Answer<T>, path?: string): Answer<T>;
  runAlone<T>(work: () => Answer<T>, path: string = ""): Answer<T> {
    const ahead: Promise<void>[] = [];
    for (const [key, over] of this.#last) if (isWithin(key, path)) ahead.push(over);
    for (const [over, other] of this.#barriers) {
      if (isWithin(other, path) || isWithin(path, other)) ahead.push(over);
    }
    const answer = ahead.length === 0 ? work() : Promise.all(ahead).then(work);
    if (!isThenable(answer) || !requestsSharePromises()) return answer;
    const done = (): void => void this.#barriers.delete(over);
    const over: Promise<void> = Promise.resolve(answer).then(done, done);
    this.#barriers.set(over, path);
    return answer;
  }

  #aheadOf(key: string): Promise<unknown> | undefined {
    const last = this.#last.get(key);
    if (this.#barriers.size === 0) return last;
    const ahead = [...this.#barriers].filter(([, path]) => isWithin(key, path)).map(([over]) => over);
    if (last !== undefined) ahead.push(last);
    return ahead.length === 0 ? undefined : Promise.all(ahead);
  }
}

/** A promise of another realm, or of a library, is waited for too: stores of applications may give one. */
function isThenable(answer: unknown): boolean {
  return (
    typeof answer === "object" && answer !== null && "then" in answer && typeof answer.then === "function"
  );
}

function isWithin(path: string, other: string): boolean {
  return other === "" || path === other || path.startsWith(`${other}/`);
}
