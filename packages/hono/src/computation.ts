import type { StoredResponse } from "./cache-entry.ts";

/**
 * What those who waited for a computation do: answer with its response, look again (it lies elsewhere, or another
 * process has it), or compute for themselves, all at once.
 */
export type Outcome = StoredResponse | "look again" | "compute";

/** A computation under way in this process, for which others wait. */
export class Computation {
  readonly outcome: Promise<Outcome>;
  readonly #onEnd: () => void;
  #settle: (outcome: Outcome) => void = () => {};

  /** @param onEnd is called when nobody is to wait for it any more */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Lets those go on who wait. */
  end(outcome: Outcome): void {
    this.#settle(outcome);
    this.#onEnd();
  }

  /** Lets those go on who wait, and whoever comes while the store is written. */
  async finish(outcome: Outcome, write: () => Promise<void>): Promise<void> {
    this.#settle(outcome);
    try {
      await write();
    } finally {
      this.#onEnd();
    }
  }
}
