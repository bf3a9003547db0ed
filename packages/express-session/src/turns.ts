/**
 * Lets what is done to a key begin when what was asked for earlier is over. A save has to wait for its codec before it
 * reaches the store: a destroy that was called after it would overtake it, and the session would be there for good.
 */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();
  #barrier: Promise<void> | undefined;

  /** Does the work at once where nothing is under way on that key. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? this.#barrier;
    const result = before === undefined ? work() : before.then(work);
    const over = settled(result);
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return result;
  }

  /**
   * Begins the work when all that was asked for earlier is over; what is asked for later begins right after it has begun,
   * since from there on the store keeps the order.
   */
  runAlone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#underWay();
    const result = before.then(work);
    this.#last.clear();
    this.#barrier = before;
    void before.then(() => {
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
