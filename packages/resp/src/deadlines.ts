import { guarded } from "@kv/core/driver";
import type { Deadline, Step } from "./step.ts";

/** What deadlines ask of whoever has them. */
export interface DeadlineOwner {
  /** How many bytes have come so far. */
  bytesRead(): number;
  /** Gives up steps whose deadline is over, in the order in which they were made. */
  expire(steps: readonly Step[]): void;
  /** Whether an answer is owed by a connection, though it may be that nobody waits for it any more. */
  owesAnswer(): boolean;
  /** Is called now and then while anything is awaited, or owed, when all that has arrived was read. */
  look(nowMs: number): void;
}

/** A timer that comes later by more than this was held up by an event loop that stood still. */
const punctualMs = 5;
/** The sockets are read in turns, of at most 32 pieces of 64 KiB each: where a turn brings less, nothing was left. */
const fullTurnBytes = 1024 * 1024;
/** No kernel keeps more for a connection than these turns read. */
const mostTurns = 32;
/** More are given up in several turns of the event loop: each costs an error, with its stack. */
const mostInOneTurn = 4_096;

/**
 * Gives up what is not answered in time, with one timer for all: a timer for each call would halve the throughput. The
 * steps that are not settled are a list, each linked with the next: nothing is kept of one that is, whose value its
 * caller may have let go of long ago.
 *
 * Time does not pass while the event loop stands still, and what has arrived by then is read before anything is given up:
 * timers come before the sockets, so by itself a deadline would overtake its answer.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #periodMs: number;
  readonly #owner: DeadlineOwner;
  // In the order of their deadlines.
  #first: Step | undefined;
  #last: Step | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = 0;
  /** How long the event loop has stood still, in all, as far as it was noticed. */
  #stoodStillMs = 0;
  /** Whether what has arrived is being read. */
  #reading = false;

  constructor(timeoutMs: number, owner: DeadlineOwner) {
    this.#timeoutMs = timeoutMs;
    this.#periodMs = Math.min(Math.max(timeoutMs / 8, 1), 1_000);
    this.#owner = owner;
  }

  /** Now, by a clock that stands still with the event loop. */
  nowMs(): number {
    const nowMs = performance.now();
    const isDue = this.#timer !== undefined || this.#reading;
    if (isDue && nowMs > this.#dueMs + punctualMs) {
      this.#stoodStillMs += nowMs - this.#dueMs;
      this.#dueMs = nowMs;
    }
    return nowMs - this.#stoodStillMs;
  }

  /** Sets the deadline of a tick that is over at `nowMs`. */
  begin(deadline: Deadline, nowMs: number): void {
    deadline.ms = nowMs + this.#timeoutMs;
  }

  add(step: Step): void {
    step.earlier = this.#last;
    if (this.#last === undefined) this.#first = step;
    else this.#last.later = step;
    this.#last = step;
    if (this.#timer === undefined && !this.#reading) this.#arm();
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
    while (this.#first !== undefined) {
      this.#owner.expire(this.#until(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY));
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #isNeeded(): boolean {
    return this.#first !== undefined || this.#owner.owesAnswer();
  }

  /** Runs on where its step was answered meanwhile: then it is there for the next. */
  #arm(): void {
    const restMs = (this.#first?.deadline.ms ?? Number.POSITIVE_INFINITY) - this.nowMs();
    const ms = Math.ceil(Math.max(Math.min(restMs, this.#periodMs), 0));
    this.#dueMs = performance.now() + ms;
    this.#timer = setTimeout(
      guarded(() => this.#awake()),
      ms,
    );
    this.#timer.unref(); // what is waited for holds the process, this does not
  }

  #awake(): void {
    const nowMs = this.nowMs();
    this.#timer = undefined;
    if (!this.#isNeeded) return;
    this.#reading = true;
    this.#dueMs = performance.now();
    this.#readThenJudge(nowMs, mostTurns);
  }

  #readThenJudge(nowMs: number, turns: number): void {
    const bytesRead = this.#owner.bytesRead();
    setImmediate(
      guarded(() => {
        this.nowMs(); // a turn that took long is time in which the event loop stood still
        if (turns > 1 && this.#owner.bytesRead() - bytesRead >= fullTurnBytes) {
          this.#readThenJudge(nowMs, turns - 1);
          return;
        }
        this.#reading = false;
        this.#owner.look(nowMs);
        const late = this.#until(nowMs, mostInOneTurn);
        if (late.length > 0) this.#owner.expire(late);
        if (late.length === mostInOneTurn) {
          this.#reading = true;
          this.#readThenJudge(nowMs, mostTurns);
          return;
        }
        if (this.#isNeeded && this.#timer === undefined) this.#arm();
      }),
    );
  }

  /** The steps whose deadline is not later, the first of them. */
  #until(ms: number, most: number): Step[] {
    const steps: Step[] = [];
    let step = this.#first;
    for (; step !== undefined && step.deadline.ms <= ms && steps.length < most; step = step.later)
      steps.push(step);
    return steps;
  }
}
