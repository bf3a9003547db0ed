import { type Timer, time, unref } from "@kv/core/driver";
import type { Operation } from "../commands/operation.ts";

/** Gives up operations for a deadline queue, and tells it what arrives. */
export interface DeadlineOwner {
  /** Tells how many bytes have come so far. */
  bytesRead(): number;
  /** Gives up operations whose deadline is over, in the order in which they were made. */
  expire(operations: readonly Operation[]): void;
  /** Tells whether a connection owes an answer, though nobody may wait for it any more. */
  owesAnswer(): boolean;
  /** Checks the connections: called now and then while an operation waits or an answer is owed, after reading all that has arrived. */
  check(nowMs: number): void;
}

/** A timer that is later than this was held up by an event loop that stood still. */
const timerToleranceMs = 5;
/**
 * In one turn of the event loop at most 32 chunks of 64 KiB are read from a socket: when a turn brings less than this, nothing
 * was left.
 */
const fullTurnBytes = 1024 * 1024;
/** No kernel keeps more for a connection than these turns read. */
const maxReadTurns = 32;
/** More operations are given up in several turns of the event loop: each costs an error, with its stack. */
const maxExpiredPerTurn = 4_096;

/**
 * Gives up operations that are not answered in time, with one timer for all: a timer for each call would halve the throughput.
 * The operations that are not settled form a linked list: nothing is kept of one that is, whose value its caller may have
 * dropped long ago.
 *
 * Time does not pass while the event loop stands still, and what has arrived by then is read before anything is given up:
 * timers come before the sockets, so by itself a deadline would overtake its answer.
 */
export class DeadlineQueue {
  readonly #periodMs: number;
  readonly #owner: DeadlineOwner;
  // In the order of their deadlines.
  #first: Operation | undefined;
  #last: Operation | undefined;
  #timer: Timer | undefined;
  #dueMs = 0;
  /** The time in all in which the event loop stood still, as far as it was noticed. */
  #stalledMs = 0;
  /** What has arrived is being read. */
  #isReading = false;

  constructor(timeoutMs: number, owner: DeadlineOwner) {
    this.#periodMs = Math.min(Math.max(timeoutMs / 8, 1), 1_000);
    this.#owner = owner;
  }

  /** Reads a clock that stands still with the event loop. */
  nowMs(): number {
    const nowMs = time.monotonicMs();
    const isDue = this.#timer !== undefined || this.#isReading;
    if (isDue && nowMs > this.#dueMs + timerToleranceMs) {
      this.#stalledMs += nowMs - this.#dueMs;
      this.#dueMs = nowMs;
    }
    return nowMs - this.#stalledMs;
  }

  add(operation: Operation): void {
    operation.previous = this.#last;
    if (this.#last === undefined) this.#first = operation;
    else this.#last.next = operation;
    this.#last = operation;
    if (this.#timer === undefined && !this.#isReading) this.#arm();
  }

  remove(operation: Operation): void {
    const { previous, next } = operation;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    operation.previous = undefined;
    operation.next = undefined;
  }

  /** Gives up every operation, and those that are made while it does. */
  expireAll(): void {
    while (this.#first !== undefined) {
      this.#owner.expire(this.#dueBy(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY));
    }
    time.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #isNeeded(): boolean {
    return this.#first !== undefined || this.#owner.owesAnswer();
  }

  /** Starts the timer. It keeps running when its operation is answered, and then serves the next. */
  #arm(): void {
    const restMs = (this.#first?.deadline.ms ?? Number.POSITIVE_INFINITY) - this.nowMs();
    const ms = Math.ceil(Math.max(Math.min(restMs, this.#periodMs), 0));
    this.#dueMs = time.monotonicMs() + ms;
    this.#timer = unref(time.setTimeout(() => this.#onTimer(), ms)); // the operations hold the process, this does not
  }

  #onTimer(): void {
    const nowMs = this.nowMs();
    this.#timer = undefined;
    if (!this.#isNeeded) return;
    this.#isReading = true;
    this.#dueMs = time.monotonicMs();
    this.#expireAfterReads(nowMs, maxReadTurns);
  }

  #expireAfterReads(nowMs: number, turns: number): void {
    const bytesRead = this.#owner.bytesRead();
    time.setImmediate(() => {
      this.nowMs(); // a turn that took long is time in which the event loop stood still
      if (turns > 1 && this.#owner.bytesRead() - bytesRead >= fullTurnBytes) {
        this.#expireAfterReads(nowMs, turns - 1);
        return;
      }
      this.#isReading = false;
      this.#owner.check(nowMs);
      const late = this.#dueBy(nowMs, maxExpiredPerTurn);
      if (late.length > 0) this.#owner.expire(late);
      if (late.length === maxExpiredPerTurn) {
        this.#isReading = true;
        this.#expireAfterReads(nowMs, maxReadTurns);
        return;
      }
      if (this.#isNeeded && this.#timer === undefined) this.#arm();
    });
  }

  /** The first operations whose deadline is not later. */
  #dueBy(ms: number, most: number): Operation[] {
    const operations: Operation[] = [];
    let operation = this.#first;
    for (
      ;
      operation !== undefined && operation.deadline.ms <= ms && operations.length < most;
      operation = operation.next
    )
      operations.push(operation);
    return operations;
  }
}
