import { inBackground } from "./background.ts";

/** Does work on a key when all that was asked for on that key before is over, and lets the keys go their own ways. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<void>>();
  #barrier: Promise<void> | undefined;

  /** Does the work at once where nothing is under way on that key. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? this.#barrier;
    const result = before === undefined ? work() : before.then(work);
    const over = settled(result);
    this.#last.set(key, over);
    inBackground(async () => {
      await over;
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return result;
  }

  /**
   * Begins the work when all that was asked for earlier is over; what is asked for later begins right after it has begun,
   * since from there on a store keeps the order (S6).
   */
  runAlone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#underWay();
    const result = before.then(work);
    this.#last.clear();
    this.#barrier = before;
    inBackground(async () => {
      await before;
      if (this.#barrier === before) this.#barrier = undefined;
    });
    return result;
  }

  async #underWay(): Promise<void> {
    await Promise.all([...this.#last.values(), this.#barrier]);
  }
}

function settled(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => {},
    () => {},
  );
}
