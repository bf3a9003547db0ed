/** Bounds how many descriptors are open at the same time, over all stores of the process. */
export class Gate {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether whoever enters has to wait. */
  get isFull(): boolean {
    return this.#open >= this.#limit;
  }

  /** A promise where it has to be waited for. Whoever enters leaves, and waits for no lock in between. */
  enter(): Promise<void> | undefined {
    if (this.#open < this.#limit) {
      this.#open += 1;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#open -= 1;
    else next();
  }
}

export const descriptors: Gate = new Gate(16);
