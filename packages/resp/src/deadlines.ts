import type { Step } from "./step.ts";

/** What one tick asked for: it is answered by then, or given up. */
export interface Tick {
  readonly untilMs: number;
  readonly steps: Step[];
  unsettled: number;
}

/** Gives up what is not answered in time, with one timer for all: a timer for each call would halve the throughput. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #expire: (tick: Tick) => void;
  readonly #ticks = new Set<Tick>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(timeoutMs: number, expire: (tick: Tick) => void) {
    this.#timeoutMs = timeoutMs;
    this.#expire = expire;
  }

  begin(): Tick {
    const tick: Tick = { untilMs: performance.now() + this.#timeoutMs, steps: [], unsettled: 0 };
    this.#ticks.add(tick);
    this.#arm(this.#timeoutMs);
    return tick;
  }

  settled(tick: Tick): void {
    this.#ticks.delete(tick);
  }

  /** Gives up all there is. */
  expireAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const tick of this.#ticks) this.#giveUp(tick);
  }

  /** Runs on where its tick was answered meanwhile: then it is there for the next. */
  #arm(ms: number): void {
    if (this.#timer !== undefined || ms === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.ceil(ms), longestTimerMs));
    this.#timer.unref(); // what is waited for holds the process, this does not
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const tick of this.#ticks) {
      if (tick.untilMs > nowMs) {
        this.#arm(tick.untilMs - nowMs);
        return;
      }
      this.#giveUp(tick);
    }
  }

  #giveUp(tick: Tick): void {
    this.#ticks.delete(tick);
    this.#expire(tick);
  }
}

const longestTimerMs = 2 ** 31 - 1;
