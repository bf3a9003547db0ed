import { guarded } from "@kv/core/driver";
import type { Step } from "./step.ts";

/**
 * Gives up what is not answered in time, with one timer for all: a timer for each call would halve the throughput. The
 * steps that are not settled are a list, each linked with the next: nothing is kept of one that is, whose value its
 * caller may have let go of long ago.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #expire: (steps: readonly Step[]) => void;
  // In the order of their deadlines.
  #first: Step | undefined;
  #last: Step | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(timeoutMs: number, expire: (steps: readonly Step[]) => void) {
    this.#timeoutMs = timeoutMs;
    this.#expire = expire;
  }

  /** Until when a step is answered, or given up, that is made now. */
  nextMs(): number {
    return performance.now() + this.#timeoutMs;
  }

  get allSettled(): boolean {
    return this.#first === undefined;
  }

  add(step: Step): void {
    step.earlier = this.#last;
    if (this.#last === undefined) this.#first = step;
    else this.#last.later = step;
    this.#last = step;
    if (this.#timer === undefined) this.#arm(this.#timeoutMs);
  }

  settled(step: Step): void {
    const { earlier, later } = step;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    step.earlier = undefined;
    step.later = undefined;
  }

  /** Gives up all there is, and what is made of it on the way. */
  expireAll(): void {
    while (this.#first !== undefined) this.#expire(this.#until(Number.POSITIVE_INFINITY));
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Runs on where its step was answered meanwhile: then it is there for the next. */
  #arm(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      guarded(() => this.#look()),
      Math.min(Math.ceil(ms), longestTimerMs),
    );
    this.#timer.unref(); // what is waited for holds the process, this does not
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    const late = this.#until(nowMs);
    if (late.length > 0) this.#expire(late);
    if (this.#timer === undefined && this.#first !== undefined) this.#arm(this.#first.untilMs - nowMs);
  }

  /** The steps whose deadline is not later. */
  #until(ms: number): Step[] {
    const steps: Step[] = [];
    for (let step = this.#first; step !== undefined && step.untilMs <= ms; step = step.later)
      steps.push(step);
    return steps;
  }
}

const longestTimerMs = 2 ** 31 - 1;
