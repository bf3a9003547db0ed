import type { Operation } from "../commands/operation.ts";
import { remove } from "../commands/operations.ts";
import type { KeyLayout } from "../keys/key-layout.ts";
import type { Pipeline } from "./pipeline.ts";

/** The removal of a namespace and all below it, while it is in progress. */
export interface NamespaceClear {
  readonly layout: KeyLayout;
  /** The keys that later calls have used: each was removed before the first of these calls. */
  readonly preDeleted: Set<string>;
  /** Hears that a key is being removed for such a call. */
  preDeleting(removal: Promise<unknown>): void;
}

/**
 * Hands operations to the pipeline, which keeps those that it gets in order. Large batches and removals of whole namespaces
 * take longer than a tick, while other calls go on: the sequencer keeps the order on each key between them (S6).
 */
export class Sequencer {
  readonly #pipeline: Pipeline;
  readonly #batches = new Set<ChunkedBatch>();
  readonly #clears = new Set<NamespaceClear>();

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /** Sends an operation, after those of earlier calls on its key. `batch` is the large batch that it belongs to. */
  send(operation: Operation, batch?: ChunkedBatch): void {
    for (const earlier of this.#batches) {
      if (earlier === batch) break;
      earlier.flushThrough(operation.key);
    }
    for (const clear of this.#clears) this.#preDelete(clear, operation.key);
    this.#pipeline.send(operation);
  }

  /**
   * Sends the operations of a batch: all in this tick, or chunk by chunk where there are many. The returned function keeps back
   * those that have not been sent: they fail with its error.
   */
  sendAll(operations: readonly Operation[]): ((error: unknown) => void) | undefined {
    if (operations.length <= chunkLength) {
      for (const operation of operations) this.send(operation);
      return undefined;
    }
    const batch: ChunkedBatch = new ChunkedBatch(
      operations,
      (operation) => this.send(operation, batch),
      () => this.#batches.delete(batch),
    );
    this.#batches.add(batch);
    batch.start();
    return (error) => batch.abort(error);
  }

  /**
   * Notes that a scan begins which will remove what it finds. For calls made from now on everything is gone: the first of them
   * on a key removes that key first, and the scan leaves that key alone.
   */
  beginClear(clear: NamespaceClear): void {
    for (const batch of this.#batches) batch.flush();
    this.#clears.add(clear);
  }

  endClear(clear: NamespaceClear): void {
    this.#clears.delete(clear);
  }

  #preDelete(clear: NamespaceClear, key: string): void {
    if (!clear.layout.covers(key) || clear.preDeleted.has(key)) return;
    clear.preDeleted.add(key);
    clear.preDeleting(this.#pipeline.request(remove, key));
  }
}

const chunkLength = 1024;

/** A large batch, sent chunk by chunk: its timeout is for each chunk, and other calls are sent in between. */
class ChunkedBatch {
  readonly #operations: readonly Operation[];
  readonly #send: (operation: Operation) => void;
  readonly #onAllSent: () => void;
  /** The index of the last operation on each key. */
  readonly #lastUse = new Map<string, number>();
  #next = 0;
  #inFlight = 0;

  constructor(operations: readonly Operation[], send: (operation: Operation) => void, onAllSent: () => void) {
    this.#operations = operations;
    this.#send = send;
    this.#onAllSent = onAllSent;
    for (const [at, operation] of operations.entries()) this.#lastUse.set(operation.key, at);
  }

  start(): void {
    this.#sendUntil(chunkLength);
  }

  /** Sends everything up to the last operation on this key, since a later call wants it. */
  flushThrough(key: string): void {
    const last = this.#lastUse.get(key);
    if (last !== undefined && last >= this.#next) this.#sendUntil(last + 1);
  }

  flush(): void {
    this.#sendUntil(this.#operations.length);
  }

  abort(error: unknown): void {
    const unsent = this.#operations.slice(this.#next);
    this.#next = this.#operations.length;
    this.#onAllSent();
    for (const operation of unsent) operation.reject(error);
  }

  #sendUntil(end: number): void {
    while (this.#next < Math.min(end, this.#operations.length)) {
      const operation = this.#operations[this.#next] as Operation;
      this.#next += 1;
      this.#inFlight += 1;
      operation.onSettled = () => this.#settledOne();
      this.#send(operation);
    }
    if (this.#next >= this.#operations.length) this.#onAllSent();
  }

  /** Sends the next chunk when half of the last one is answered, so that the server always has something to do. */
  #settledOne(): void {
    this.#inFlight -= 1;
    if (this.#inFlight <= chunkLength / 2) this.#sendUntil(this.#next + chunkLength / 2);
  }
}
