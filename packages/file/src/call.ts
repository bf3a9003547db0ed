import { noAnswer, notBegun, unanswered } from "./errors.ts";

/** Whether a call only looks, or changes something. */
export type Kind = "read" | "change";

/** Until when something must be done, by the monotonic clock. The pieces of a batch share one. */
export class Deadline {
  readonly timeoutMs: number;
  untilMs = 0;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
    this.moveOn();
  }

  /** Gives the next piece as long as the one that was just done. */
  moveOn(): void {
    this.untilMs = performance.now() + this.timeoutMs;
  }
}

/** How long a call that has begun in time may wait for each answer of the disk when its time is over. */
const graceMs = 750;

/** Stops the work of a call whose caller was told that nothing was changed. Nobody sees it. */
class GivenUp extends Error {
  override readonly name: string = "GivenUp";
}

/** One call of the application: what its caller may be told at any moment, and that this stays true. */
export class Call {
  readonly deadline: Deadline;
  // Not #private, which costs at each construction: one is made for each operation.
  private readonly lane: Lane;
  private stage: "queued" | "begun" | "committing" = "queued";
  private isGivenUp = false;
  private answeredMs = 0;

  constructor(deadline: Deadline, lane: Lane) {
    this.deadline = deadline;
    this.lane = lane;
  }

  /** How long it may still go on without an answer, in milliseconds. */
  get leftMs(): number {
    const graceUntilMs = this.stage === "queued" ? 0 : this.answeredMs + graceMs;
    return Math.max(this.deadline.untilMs, graceUntilMs) - performance.now();
  }

  /** A part of it that goes on by itself: only of the whole the caller is told. */
  piece(): Call {
    return new Call(this.deadline, this.lane);
  }

  /** Its turn has come. Gives whether that is in time. */
  begin(): boolean {
    this.wasAnswered();
    if (this.isGivenUp || this.answeredMs >= this.deadline.untilMs) return false;
    this.stage = "begun";
    return true;
  }

  wasAnswered(): void {
    this.answeredMs = performance.now();
  }

  /** Waits until somebody may have released a lock, and leaves its place to another call meanwhile. */
  async sleep(ms: number): Promise<void> {
    const leaves = this.lane.asleep < mostAsleep;
    if (leaves) this.lane.leave();
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (leaves) this.lane.comeBack();
  }

  /** Goes on only if the caller was not told that nothing was changed. */
  expectWanted(): void {
    if (this.isGivenUp) throw new GivenUp("The caller was told that nothing was changed.");
  }

  /** The next request to the disk makes the change: from here on nobody can say that nothing was changed. */
  commit(): void {
    this.expectWanted();
    this.stage = "committing";
  }

  /** What was asked of the disk has changed nothing. */
  rollBack(): void {
    this.stage = "begun";
  }

  /** Gives what to tell the caller. What has not been changed by now will not be. */
  giveUp(): Error {
    const { timeoutMs } = this.deadline;
    if (this.stage === "committing") return unanswered(timeoutMs);
    this.isGivenUp = true;
    return this.stage === "begun" ? noAnswer(timeoutMs) : notBegun(timeoutMs);
  }
}

/** How many calls of a kind are in flight at most: more would only wait for each other in the disk's own queue. */
export const mostInFlight: Readonly<Record<Kind, number>> = { read: 8, change: 16 };
const mostAsleep = 128;

/** The calls of one kind. */
export class Lane {
  /** What may begin as soon as there is room and time for it. */
  readonly ready: Set<() => void> = new Set();
  inFlight = 0;
  /** Those that wait for a lock, and take no room. */
  asleep = 0;
  readonly #kind: Kind;
  readonly #beginReady: () => void;

  constructor(kind: Kind, beginReady: () => void) {
    this.#kind = kind;
    this.#beginReady = beginReady;
  }

  get hasRoom(): boolean {
    return this.inFlight < mostInFlight[this.#kind];
  }

  leave(): void {
    this.asleep += 1;
    this.inFlight -= 1;
    this.#beginReady();
  }

  comeBack(): void {
    this.asleep -= 1;
    this.inFlight += 1;
  }
}
