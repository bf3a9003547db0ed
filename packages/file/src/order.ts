import { type Answer, guarded, inBackground } from "@kv/core/driver";
import { noAnswer, notBegun, unanswered } from "./errors.ts";
import { type Io, run } from "./io.ts";
import type { Place } from "./layout.ts";
import type { Deadline } from "./locks.ts";
import { Turns } from "./turns.ts";

interface UnderWay {
  readonly directory: string;
  readonly settled: Promise<void>;
}

/**
 * Lets the calls on a key take effect in the order in which they were made (S6). A call begins at once where no
 * earlier one is under way on its key, and is then often done when it returns.
 */
export class Order {
  readonly turns: Turns = new Turns();
  readonly #timeoutMs: number;
  readonly #latest = new Map<string, UnderWay>();
  /** The removals of whole namespaces that are under way. */
  readonly #removals = new Set<UnderWay>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** A call on one key, named by its hash. */
  onKey<T>(place: Place, hash: string, kind: Kind, work: (deadline: Deadline) => Answer<T>): Answer<T> {
    const deadline: Deadline = { untilMs: performance.now() + this.#timeoutMs };
    const earlier = this.#earlier(place, hash);
    if (earlier.length === 0 && this.turns.mayRun()) {
      const answer = work(deadline);
      return answer instanceof Promise ? this.#kept(place, hash, answer, begunAs(kind), deadline) : answer;
    }
    const progress: Progress = { late: notBegun };
    return this.#kept(place, hash, this.#after(earlier, deadline, progress, kind, work), progress, deadline);
  }

  /** A call on a namespace and all below it. */
  onAll<T>({ directory }: Place, work: () => Io<T>): Answer<T> {
    const below = `${directory}/`;
    const earlier: Promise<void>[] = [];
    for (const { directory: other, settled } of this.#latest.values()) {
      if (other === directory || other.startsWith(below)) earlier.push(settled);
    }
    for (const { directory: other, settled } of this.#removals) {
      if (other === directory || other.startsWith(below) || directory.startsWith(`${other}/`)) {
        earlier.push(settled);
      }
    }
    const answer = earlier.length === 0 ? run(work()) : Promise.all(earlier).then(() => run(work()));
    if (!(answer instanceof Promise)) return answer;
    const removal = { directory, settled: settling(answer) };
    this.#removals.add(removal);
    inBackground(async () => {
      await removal.settled;
      this.#removals.delete(removal);
    });
    return answer;
  }

  #earlier({ directory }: Place, hash: string): readonly Promise<void>[] {
    if (this.#latest.size === 0 && this.#removals.size === 0) return none;
    const earlier: Promise<void>[] = [];
    const latest = this.#latest.get(hash);
    if (latest !== undefined) earlier.push(latest.settled);
    for (const removal of this.#removals) {
      if (directory === removal.directory || directory.startsWith(`${removal.directory}/`)) {
        earlier.push(removal.settled);
      }
    }
    return earlier;
  }

  async #after<T>(
    earlier: readonly Promise<void>[],
    deadline: Deadline,
    progress: Progress,
    kind: Kind,
    work: (deadline: Deadline) => Answer<T>,
  ): Promise<T> {
    if (earlier.length > 0) {
      await Promise.all(earlier);
      // What was, or will be, rejected as not done is not done later.
      if (performance.now() >= deadline.untilMs) throw notBegun(this.#timeoutMs);
    }
    return await this.turns.next(() => {
      progress.late = begunAs(kind).late;
      return work(deadline);
    });
  }

  #kept<T>(
    place: Place,
    hash: string,
    answer: Promise<T>,
    progress: Progress,
    deadline: Deadline,
  ): Promise<T> {
    const settled = settling(answer);
    this.#latest.set(hash, { directory: place.directory, settled });
    inBackground(async () => {
      await settled;
      if (this.#latest.get(hash)?.settled === settled) this.#latest.delete(hash);
    });
    return inTime(answer, deadline, progress, this.#timeoutMs);
  }
}

const none: readonly Promise<void>[] = [];

/** Whether a call only looks, or changes something. */
export type Kind = "read" | "change";

/** What has to be said of a call if it takes too long now. */
interface Progress {
  late: (timeoutMs: number) => Error;
}

function begunAs(kind: Kind): Progress {
  return { late: kind === "read" ? noAnswer : unanswered };
}

function settling(answer: Promise<unknown>): Promise<void> {
  return answer.then(
    () => {},
    () => {},
  );
}

const graceMs = 250;

/** A disk that does not answer at all leaves its calls open for ever: whoever made them is told in time. */
function inTime<T>(
  answer: Promise<T>,
  deadline: Deadline,
  progress: Progress,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout>;
    const watch = guarded(() => {
      const leftMs = deadline.untilMs + graceMs - performance.now();
      if (leftMs <= 0) reject(progress.late(timeoutMs));
      else timer = setTimeout(watch, Math.min(leftMs, longestTimerMs));
    });
    watch();
    inBackground(async () => {
      try {
        resolve(await answer);
      } catch (error) {
        reject(error);
      } finally {
        clearTimeout(timer);
      }
    });
  });
}

const longestTimerMs = 2 ** 31 - 1;
