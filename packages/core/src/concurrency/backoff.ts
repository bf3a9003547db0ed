import { sleep } from "../time/wait.ts";

const firstMs = 10;
const longestMs = 250;

/**
 * The waits between the attempts of a poll: 10 ms at first, then twice as long each time up to 250 ms. Each is
 * shortened at random by up to a half, so that several polls for the same thing do not stay in step.
 */
export class Backoff {
  #nextMs = firstMs;

  /** Waits before the next attempt. */
  async wait(): Promise<void> {
    const waitMs = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, longestMs);
    await sleep(waitMs);
  }
}
