import { orWarn } from "../time/background.ts";
import { type Timer, time, unref } from "../time/time.ts";

/**
 * Repeats work in the background, each time so long after the last one was over. It never keeps the process alive; what
 * the work rejects with becomes a process warning.
 */
export class Interval {
  readonly #everyMs: number;
  readonly #work: () => Promise<boolean>;
  #timer: Timer | undefined;
  #working: Promise<void> | undefined;
  /** `start` was called while the work is in flight, so it is repeated whatever it resolves to. */
  #isStartedAgain = false;
  #isStopped = false;

  /**
   * @param everyMs `Infinity` for never
   * @param work resolves to whether to go on; if not, the next `start` does
   */
  constructor(everyMs: number, work: () => Promise<boolean>) {
    this.#everyMs = everyMs;
    this.#work = work;
  }

  /** Begins to wait for the next time, unless it does already. Work in flight is then repeated in any case. */
  start(): void {
    this.#isStartedAgain = true;
    if (this.#timer !== undefined || this.#isStopped || this.#everyMs === Number.POSITIVE_INFINITY) return;
    const fire = (): void => {
      this.#working = orWarn(() => this.#fire());
    };
    this.#timer = unref(time.setTimeout(fire, this.#everyMs));
  }

  /** Ends it for good. Resolves when work in flight is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    time.clearTimeout(this.#timer);
    await this.#working;
  }

  async #fire(): Promise<void> {
    let goesOn = true;
    this.#isStartedAgain = false;
    try {
      goesOn = await this.#work();
    } finally {
      this.#timer = undefined;
      if (goesOn || this.#isStartedAgain) this.start();
    }
  }
}
