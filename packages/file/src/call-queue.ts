import { type Answer, guarded, inBackground, longestTimerMs } from "@kv/core/driver";
import { Call, Deadline, type Kind, Lane, mostInFlight } from "./call.ts";
import type { Place } from "./layout.ts";

export type { Call, Kind } from "./call.ts";

/** Synchronous work, in an `await` chain too, gets about so much of each turn of the event loop. */
const sliceMs = 1;

/** The pieces of one call, each of which has the whole timeout from when the one before was done. */
export interface Batch {
  readonly deadline: Deadline;
  /** Those that could not be done at once, in order. */
  readonly queued: Pending[];
}

/** A call that is not done yet. */
interface Pending {
  /** The namespace that it is about. */
  readonly directory: string;
  readonly done: Promise<void>;
}

/** What is asked for: where, behind what, and what is to be done. */
interface Order<T> {
  readonly directory: string;
  /** The key that it is about, where it is one. */
  readonly hash?: string;
  readonly kind: Kind;
  readonly ahead: readonly Pending[];
  readonly work: (call: Call) => Answer<T>;
  readonly batch?: Batch | undefined;
}

/**
 * Begins the calls of a store, a bounded number at a time. Those on one key take effect in the order in which they were
 * made (S6). A call begins at once where it can, and is then often done when it returns. One whose turn does not come in
 * time is rejected, and never begun.
 */
export class CallQueue {
  readonly #timeoutMs: number;
  /** One for each kind, so that no read waits for a sync. */
  readonly #lanes: Readonly<Record<Kind, Lane>>;
  /** The last call on each key, by its hash, until it is done. */
  readonly #latest = new Map<string, Pending>();
  /** The calls on whole namespaces that are not done. */
  readonly #barriers = new Set<Pending>();
  #sliceUntilMs: number | undefined;
  #isBeginning = false;
  #readsFirst = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    const beginReady = (): void => void this.#beginReady();
    this.#lanes = { read: new Lane("read", beginReady), change: new Lane("change", beginReady) };
  }

  batch(): Batch {
    return { deadline: new Deadline(this.#timeoutMs), queued: [] };
  }

  /** Whether a call on a key would begin at once. */
  isFree(hash: string, kind: Kind): boolean {
    const lane = this.#lanes[kind];
    if (lane.ready.size > 0 || this.#barriers.size > 0 || this.#latest.get(hash) !== undefined) return false;
    return lane.hasRoom && this.#hasTime();
  }

  /** A call on one key, or a piece of a batch. */
  onKey<T>(
    { directory }: Place,
    hash: string,
    kind: Kind,
    work: (call: Call) => Answer<T>,
    batch?: Batch,
  ): Answer<T> {
    const barriers = Array.from(this.#barriers).filter((each) => isWithin(directory, each.directory));
    // A batch has no more pieces in line than can be in flight, so that others come in between.
    const before = [this.#latest.get(hash), batch?.queued.at(-mostInFlight[kind]), ...barriers];
    const ahead = before.filter((each) => each !== undefined);
    return this.#ask({ directory, hash, kind, ahead, work, batch });
  }

  /** A call on a namespace and all below it. */
  onNamespace<T>({ directory }: Place, work: (call: Call) => Answer<T>): Answer<T> {
    const ahead = [...this.#latest.values(), ...this.#barriers].filter(
      (other) => isWithin(other.directory, directory) || isWithin(directory, other.directory),
    );
    return this.#ask({ directory, kind: "change", ahead, work });
  }

  /** A step of long work, which waits for no call on the same key. */
  step<T>(kind: Kind, work: (call: Call) => Answer<T>): Answer<T> {
    return this.#ask({ directory: "", hash: "", kind, ahead: [], work });
  }

  #ask<T>(order: Order<T>): Answer<T> {
    const { kind, ahead, work, batch } = order;
    const lane = this.#lanes[kind];
    const call = new Call(batch?.deadline ?? new Deadline(this.#timeoutMs), lane);
    if (ahead.length > 0 || lane.ready.size > 0 || !lane.hasRoom || !this.#hasTime()) {
      return this.#enqueue(order, call, undefined);
    }
    call.begin();
    const answer = work(call);
    if (answer instanceof Promise) return this.#enqueue(order, call, answer);
    batch?.deadline.moveOn();
    return answer;
  }

  /** @param begun the answer of a call that has begun */
  #enqueue<T>(order: Order<T>, call: Call, begun: Promise<T> | undefined): Promise<T> {
    const { directory, hash, kind, ahead, work, batch } = order;
    const lane = this.#lanes[kind];
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let settle: () => void = () => {};
      const pending: Pending = { directory, done: new Promise((done) => (settle = done)) };
      if (hash === undefined) this.#barriers.add(pending);
      else if (directory !== "") this.#latest.set(hash, pending);
      batch?.queued.push(pending);

      let isOver = false;
      const finish = (): void => {
        isOver = true;
        clearTimeout(timer);
        this.#barriers.delete(pending);
        if (hash !== undefined && this.#latest.get(hash) === pending) this.#latest.delete(hash);
        settle();
      };
      const follow = async (answer: Promise<T>): Promise<void> => {
        lane.inFlight += 1;
        try {
          resolve(await answer);
        } catch (error) {
          reject(error);
        }
        lane.inFlight -= 1;
        batch?.deadline.moveOn();
        finish();
        this.#beginReady();
      };
      const begin = (): void => {
        try {
          if (!call.begin()) throw call.giveUp();
          const answer = work(call);
          if (answer instanceof Promise) return inBackground(() => follow(answer));
          batch?.deadline.moveOn();
          resolve(answer);
        } catch (error) {
          reject(error);
        }
        finish();
      };
      const look = guarded(() => {
        if (isOver) return;
        const { leftMs } = call;
        if (leftMs > 0) timer = setTimeout(readAnswersFirst, Math.min(leftMs, longestTimerMs));
        else {
          reject(call.giveUp());
          if (lane.ready.delete(begin)) finish();
        }
      });
      // After the event loop stood still timers come first, and answers that have been there for long after them.
      const readAnswersFirst = guarded(() => setImmediate(look));

      look();
      if (begun !== undefined) return inBackground(() => follow(begun));
      inBackground(async () => {
        if (ahead.length > 0) await Promise.all(ahead.map(({ done }) => done));
        lane.ready.add(begin);
        this.#beginReady();
      });
    });
  }

  /** Begins what is ready, as far as there is room and time; what else there is room for begins in the next slice. */
  #beginReady(): boolean {
    if (this.#isBeginning) return true;
    this.#isBeginning = true;
    this.#readsFirst = !this.#readsFirst;
    const { read, change } = this.#lanes;
    for (const lane of this.#readsFirst ? [read, change] : [change, read]) {
      for (const begin of lane.ready) {
        if (!lane.hasRoom || !this.#hasTime()) break;
        lane.ready.delete(begin);
        begin();
      }
    }
    this.#isBeginning = false;
    return [read, change].some((lane) => lane.ready.size > 0 && lane.hasRoom);
  }

  /** Whether there is time left in this slice. If not, the next one begins in the next turn of the event loop. */
  #hasTime(): boolean {
    const nowMs = performance.now();
    if (this.#sliceUntilMs !== undefined) return nowMs < this.#sliceUntilMs;
    this.#sliceUntilMs = nowMs + sliceMs;
    setImmediate(this.#nextSlice);
    return true;
  }

  readonly #nextSlice = guarded(() => {
    this.#sliceUntilMs = performance.now() + sliceMs;
    if (this.#beginReady()) setImmediate(this.#nextSlice);
    else this.#sliceUntilMs = undefined;
  });
}

function isWithin(directory: string, other: string): boolean {
  return directory === other || directory.startsWith(`${other}/`);
}
