import type { KeyLayout } from "./key-layout.ts";
import { remove } from "./kinds.ts";
import type { Sender } from "./sender.ts";
import { Step } from "./step.ts";

/** The removal of a namespace and all below it, while it is under way. */
export interface Emptying {
  readonly layout: KeyLayout;
  /** The keys that later calls have used: each was removed before the first of them. */
  readonly cleared: Set<string>;
  /** A key is removed for such a call. */
  removing(removal: Promise<unknown>): void;
}

/**
 * Hands steps to the sender, which keeps what it is given in order. Large batches and removals of whole namespaces
 * take longer than a tick, and others go on meanwhile: this keeps the order on each key between them (S6).
 */
export class Order {
  readonly #sender: Sender;
  readonly #bulks = new Set<Bulk>();
  readonly #emptyings = new Set<Emptying>();

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** A step of a call. */
  send(step: Step): void {
    for (const bulk of this.#bulks) bulk.makeWay(step.key);
    this.#sendCleared(step);
  }

  /**
   * The steps of a batch: all at once, or piece by piece where there are many. What is returned keeps back those
   * that have not been sent: they fail with its error.
   */
  sendAll(steps: readonly Step[]): ((error: unknown) => void) | undefined {
    if (steps.length <= pieceLength) {
      for (const step of steps) this.send(step);
      return undefined;
    }
    const bulk: Bulk = new Bulk(
      steps,
      (step) => {
        for (const earlier of this.#bulks) {
          if (earlier === bulk) break;
          earlier.makeWay(step.key);
        }
        this.#sendCleared(step);
      },
      () => this.#bulks.delete(bulk),
    );
    this.#bulks.add(bulk);
    bulk.begin();
    return (error) => bulk.stop(error);
  }

  /**
   * A walk begins that will remove what it finds. For calls made from now on its work is done: the first of them on
   * a key removes that key first, and the walk leaves it alone from then on.
   */
  beginEmptying(emptying: Emptying): void {
    for (const bulk of this.#bulks) bulk.sendRest();
    this.#emptyings.add(emptying);
  }

  endEmptying(emptying: Emptying): void {
    this.#emptyings.delete(emptying);
  }

  #sendCleared(step: Step): void {
    for (const emptying of this.#emptyings) {
      if (!emptying.layout.covers(step.key) || emptying.cleared.has(step.key)) continue;
      emptying.cleared.add(step.key);
      emptying.removing(
        new Promise((done, failed) => this.#sender.send(new Step(remove, step.key, [], done, failed))),
      );
    }
    this.#sender.send(step);
  }
}

const pieceLength = 1024;

/** A large batch, sent piece by piece: its timeout is for each piece, and other calls find their way between. */
class Bulk {
  readonly #steps: readonly Step[];
  readonly #send: (step: Step) => void;
  readonly #ended: () => void;
  readonly #lastUse = new Map<string, number>();
  #next = 0;
  #underWay = 0;

  constructor(steps: readonly Step[], send: (step: Step) => void, ended: () => void) {
    this.#steps = steps;
    this.#send = send;
    this.#ended = ended;
    for (const [at, step] of steps.entries()) this.#lastUse.set(step.key, at);
  }

  begin(): void {
    this.#sendUntil(pieceLength);
  }

  /** A later call wants this key: what the batch still has to do with it goes first. */
  makeWay(key: string): void {
    const last = this.#lastUse.get(key);
    if (last !== undefined && last >= this.#next) this.#sendUntil(last + 1);
  }

  sendRest(): void {
    this.#sendUntil(this.#steps.length);
  }

  stop(error: unknown): void {
    const kept = this.#steps.slice(this.#next);
    this.#next = this.#steps.length;
    this.#ended();
    for (const step of kept) step.failed(error);
  }

  #sendUntil(end: number): void {
    while (this.#next < Math.min(end, this.#steps.length)) {
      const step = this.#steps[this.#next] as Step;
      this.#next += 1;
      this.#underWay += 1;
      step.onSettled = () => this.#oneSettled();
      this.#send(step);
    }
    if (this.#next >= this.#steps.length) this.#ended();
  }

  /** The next piece goes when half of the last one is answered, so that the server always has something to do. */
  #oneSettled(): void {
    this.#underWay -= 1;
    if (this.#underWay <= pieceLength / 2) this.#sendUntil(this.#next + pieceLength / 2);
  }
}
