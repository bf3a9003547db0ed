import { type Answer, sleep, time } from "@kv/core/driver";
import type { Call, Slot } from "./call.ts";

/** The lanes that calls run in, by what they may do to an entry. */
export type Access = "read" | "write";

/** Synchronous work, in an `await` chain too, gets about this much of each turn of the event loop. */
const sliceMs = 1;

/** The number of calls in flight in each lane: more would only wait for each other in the disk's own queue. */
export const maxInFlight: Readonly<Record<Access, number>> = { read: 8, write: 16 };
const maxAsleep = 128;

/** Shares out each turn of the event loop among the lanes of a store. Reads have a lane, so none waits for a sync. */
export class Scheduler {
  readonly lanes: Readonly<Record<Access, Lane>>;
  #sliceUntilMs: number | undefined;
  #isBeginning = false;
  #readsFirst = false;

  constructor() {
    this.lanes = { read: new Lane(this, maxInFlight.read), write: new Lane(this, maxInFlight.write) };
  }

  /** Tells whether there is time left in this slice. If not, the next one begins in the next turn of the event loop. */
  hasTime(): boolean {
    const nowMs = time.monotonicMs();
    if (this.#sliceUntilMs !== undefined) return nowMs < this.#sliceUntilMs;
    this.#sliceUntilMs = nowMs + sliceMs;
    time.setImmediate(this.#nextSlice);
    return true;
  }

  /** Begins the calls that are ready, as far as there is room and time. */
  beginReady(): void {
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    this.#readsFirst = !this.#readsFirst;
    const { read, write } = this.lanes;
    for (const lane of this.#readsFirst ? [read, write] : [write, read]) {
      for (const ready of lane.ready.values()) {
        if (lane.freeSlots <= 0 || !this.hasTime()) break;
        ready.begin();
      }
    }
    this.#isBeginning = false;
  }

  readonly #nextSlice = (): void => {
    this.#sliceUntilMs = time.monotonicMs() + sliceMs;
    this.beginReady();
    const { read, write } = this.lanes;
    if (read.hasReady() || write.hasReady()) time.setImmediate(this.#nextSlice);
    else this.#sliceUntilMs = undefined;
  };
}

/** A call that may begin as soon as there is room and time. */
interface ReadyCall {
  begin(): void;
  reject(error: unknown): void;
}

/** Runs calls, a bounded number at a time. */
export class Lane implements Slot {
  readonly ready: Map<Call, ReadyCall> = new Map();
  freeSlots: number;
  readonly #scheduler: Scheduler;
  /** The number of calls that wait for a lock, and lend their slots. */
  #asleep = 0;

  constructor(scheduler: Scheduler, slots: number) {
    this.#scheduler = scheduler;
    this.freeSlots = slots;
  }

  /** Tells whether a call would begin synchronously. */
  isFree(): boolean {
    return this.ready.size === 0 && this.freeSlots > 0 && this.#scheduler.hasTime();
  }

  /** Tells whether there is room for a call that is ready. */
  hasReady(): boolean {
    return this.ready.size > 0 && this.freeSlots > 0;
  }

  /** Begins a call, synchronously where there is room and time for it. One whose turn comes too late is never begun. */
  run<T>(call: Call, work: (call: Call) => Answer<T>): Answer<T> {
    if (this.isFree()) return this.#begin(call, work);
    // Whoever leaves the lane, or the next slice, begins it.
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        this.ready.delete(call);
        try {
          resolve(this.#begin(call, work));
        } catch (error) {
          reject(error);
        }
      };
      this.ready.set(call, { begin, reject });
    });
  }

  /** Rejects a call, if it has not begun. */
  withdraw(call: Call, error: Error): void {
    this.ready.get(call)?.reject(error);
    this.ready.delete(call);
  }

  async sleep(ms: number): Promise<void> {
    const lends = this.#asleep < maxAsleep;
    if (lends) {
      this.#asleep += 1;
      this.freeSlots += 1;
      this.#scheduler.beginReady();
    }
    await sleep(ms);
    if (lends) {
      this.#asleep -= 1;
      this.freeSlots -= 1;
    }
  }

  #begin<T>(call: Call, work: (call: Call) => Answer<T>): Answer<T> {
    if (!call.begin()) throw call.abandon();
    const answer = work(call);
    if (answer instanceof Promise) return this.#inFlight(call, answer);
    call.deadline.extend();
    return answer;
  }

  async #inFlight<T>(call: Call, answer: Promise<T>): Promise<T> {
    this.freeSlots -= 1;
    try {
      return await answer;
    } finally {
      this.freeSlots += 1;
      call.deadline.extend();
      this.#scheduler.beginReady();
    }
  }
}
