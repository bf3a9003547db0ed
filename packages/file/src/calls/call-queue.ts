import { type Answer, inBackground, KeyedQueue, type Timer, time } from "@kv/core/driver";
import type { EntryFile, NamespaceLocation } from "../format/layout.ts";
import { Call, Deadline } from "./call.ts";
import { type Access, type Lane, maxInFlight, Scheduler } from "./lanes.ts";

/** The pieces of one call, each of which has the whole timeout from when the one before was done. */
export interface Batch {
  readonly deadline: Deadline;
  /** The pieces that could not be done synchronously, in order. */
  readonly queued: Promise<unknown>[];
}

/**
 * Begins the calls of a store. Those on one key take effect in the order in which they were made (S6), and one on a
 * namespace has it to itself. A call begins synchronously where it can, and is then often done when it returns. One
 * whose turn does not come in time is rejected, and never begun.
 */
export class CallQueue {
  readonly #timeoutMs: number;
  /** By the path of the entry or the namespace: that of an entry lies below that of its namespace. */
  readonly #keys = new KeyedQueue();
  readonly #lanes = new Scheduler().lanes;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  batch(): Batch {
    return { deadline: new Deadline(this.#timeoutMs), queued: [] };
  }

  /** Tells whether a call on a key would begin synchronously. */
  isFree({ path }: EntryFile, access: Access): boolean {
    return this.#keys.isFree(path) && this.#lanes[access].isFree();
  }

  /** Runs a call on one key, or a piece of a batch. */
  runOnKey<T>(
    { path }: EntryFile,
    access: Access,
    work: (call: Call) => Answer<T>,
    batch?: Batch,
  ): Answer<T> {
    batch?.deadline.extend(); // the time in which the pieces are asked for does not count
    const lane = this.#lanes[access];
    const call = new Call(batch?.deadline ?? new Deadline(this.#timeoutMs), lane);
    // A batch has no more pieces in line than can be in flight, so that others come in between.
    const earlier = batch?.queued.at(-maxInFlight[access]);
    const run =
      earlier === undefined
        ? () => lane.run(call, work)
        : () => settled(earlier).then(() => lane.run(call, work));
    const answer = this.#keys.run(path, run);
    if (!(answer instanceof Promise)) return answer;
    batch?.queued.push(answer);
    return inTime(lane, call, answer);
  }

  /** Runs a call on a namespace and all below it. */
  runOnNamespace<T>({ directory }: NamespaceLocation, work: (call: Call) => Answer<T>): Answer<T> {
    const lane = this.#lanes.write;
    const call = new Call(new Deadline(this.#timeoutMs), lane);
    const answer = this.#keys.runAlone(() => lane.run(call, work), directory);
    return answer instanceof Promise ? inTime(lane, call, answer) : answer;
  }

  /** Runs a step of long work, which waits for no call on the same key. */
  runStep<T>(access: Access, work: (call: Call) => Answer<T>): Answer<T> {
    const lane = this.#lanes[access];
    const call = new Call(new Deadline(this.#timeoutMs), lane);
    const answer = lane.run(call, work);
    return answer instanceof Promise ? inTime(lane, call, answer) : answer;
  }
}

/** Settles as the call does, or when its time is over. */
function inTime<T>(lane: Lane, call: Call, answer: Promise<T>): Promise<T> {
  call.hasWaited = true;
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    let isOver = false;
    const look = (): void => {
      if (isOver) return;
      const { remainingMs } = call;
      if (remainingMs > 0) timer = time.setTimeout(lookAfterReplies, remainingMs);
      else {
        const error = call.abandon();
        reject(error);
        lane.withdraw(call, error);
      }
    };
    // After the event loop stood still timers come first, and replies that have been there for long after them.
    const lookAfterReplies = (): void => time.setImmediate(look);
    look();
    inBackground(async () => {
      try {
        resolve(await answer);
      } catch (error) {
        reject(error);
      }
      isOver = true;
      time.clearTimeout(timer);
    });
  });
}

function settled(promise: Promise<unknown>): Promise<void> {
  const nothing = (): void => {};
  return promise.then(nothing, nothing);
}
