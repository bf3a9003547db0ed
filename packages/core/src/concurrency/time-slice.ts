import { time } from "../time/time.ts";
import { yieldToEventLoop } from "../time/wait.ts";

/** The longest that a piece of a long job keeps everything else waiting. */
const sliceMs = 2;

/** For work that is done piece by piece: `await slice.end()` after each piece yields to the event loop when it is time to. */
export class TimeSlice {
  #untilMs = time.monotonicMs() + sliceMs;

  /** Yields where the slice has lasted 2 ms. */
  async end(): Promise<void> {
    if (time.monotonicMs() < this.#untilMs) return;
    await yieldToEventLoop();
    this.#untilMs = time.monotonicMs() + sliceMs;
  }
}

/** Does a step for each item, and yields to the event loop about every 2 ms. */
export async function forEachYielding<T>(items: Iterable<T>, step: (item: T) => void): Promise<void> {
  const slice = new TimeSlice();
  for (const item of items) {
    step(item);
    await slice.end();
  }
}
