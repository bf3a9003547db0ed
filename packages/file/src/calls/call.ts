import { time } from "@kv/core/driver";
import { diskTimeout, outcomeUnknown, queueTimeout } from "../errors/errors.ts";

/** The time by which something must be done, by the monotonic clock. The pieces of a batch share one. */
export class Deadline {
  readonly timeoutMs: number;
  untilMs: number;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
    this.untilMs = time.monotonicMs() + timeoutMs;
  }

  /** Gives the next piece as long as the one that was just done had. */
  extend(): void {
    this.untilMs = time.monotonicMs() + this.timeoutMs;
  }
}

/** The slot of a call among those in flight. */
export interface Slot {
  /** Waits, and lends the slot to another call meanwhile. */
  sleep(ms: number): Promise<void>;
}

/** A call that has begun in time may wait this long for each reply of the disk when its time is over. */
const graceMs = 750;

/** Stops the work of a call whose caller was told that nothing was changed. Nobody sees it. */
class CallAbandoned extends Error {
  override readonly name: string = "CallAbandoned";
}

/** One call of the application. It knows at any moment what may be told to its caller, and keeps that true. */
export class Call {
  readonly deadline: Deadline;
  /** Set once it has not begun synchronously: only then can its turn come too late. */
  hasWaited = false;
  // Not #private, which costs at each construction: one is made for each operation.
  private readonly slot: Slot;
  private stage: "queued" | "begun" | "committing" = "queued";
  private isAbandoned = false;
  private lastReplyMs = 0;

  constructor(deadline: Deadline, slot: Slot) {
    this.deadline = deadline;
    this.slot = slot;
  }

  /** The time that it may still go on without a reply. */
  get remainingMs(): number {
    const graceUntilMs = this.stage === "queued" ? 0 : this.lastReplyMs + graceMs;
    return Math.max(this.deadline.untilMs, graceUntilMs) - time.monotonicMs();
  }

  /** Makes a part of it that goes on by itself: the caller hears only of the whole. */
  fork(): Call {
    return new Call(this.deadline, this.slot);
  }

  /** Begins it, if its turn comes in time. Returns whether that is so. */
  begin(): boolean {
    this.lastReplyMs = time.monotonicMs();
    const isLate = this.hasWaited && this.lastReplyMs >= this.deadline.untilMs;
    if (this.isAbandoned || isLate) return false;
    this.stage = "begun";
    return true;
  }

  /** Notes that the disk has replied. */
  noteReply(): void {
    this.lastReplyMs = time.monotonicMs();
  }

  /** Waits until somebody may have released a lock. */
  sleep(ms: number): Promise<void> {
    return this.slot.sleep(ms);
  }

  /** Throws if the caller was told that nothing was changed. */
  throwIfAbandoned(): void {
    if (this.isAbandoned) throw new CallAbandoned("The caller was told that nothing was changed.");
  }

  /** Notes that the next request to the disk makes the change: from here on nobody can say that nothing was changed. */
  commit(): void {
    this.throwIfAbandoned();
    this.stage = "committing";
  }

  /** Notes that the request to the disk has changed nothing. */
  rollBack(): void {
    this.stage = "begun";
  }

  /** Returns what to tell the caller. What has not been changed by now will not be. */
  abandon(): Error {
    const { timeoutMs } = this.deadline;
    if (this.stage === "committing") return outcomeUnknown(timeoutMs);
    this.isAbandoned = true;
    return this.stage === "begun" ? diskTimeout(timeoutMs) : queueTimeout(timeoutMs);
  }
}
