import { isStoreError, StoreError } from "@kv/core";
import type { Operation } from "../commands/operation.ts";
import type { Sequencer } from "./sequencer.ts";

/** The operations of a call on many keys, which is answered when every one of them is settled. */
export class Batch {
  readonly #operations: Operation[] = [];
  #unsettled = 0;
  #failures = 0;
  #error: StoreError | undefined;
  #abort: ((error: unknown) => void) | undefined;
  #resolve: (() => void) | undefined;

  add(operation: Operation): void {
    this.#operations.push(operation);
    this.#unsettled += 1;
  }

  /** Sends all operations. Fails with the gravest error that a key met, and says how many keys met one. */
  async send(sequencer: Sequencer): Promise<void> {
    if (this.#unsettled === 0) return;
    await new Promise<void>((resolve) => {
      this.#resolve = resolve;
      this.#abort = sequencer.sendAll(this.#operations);
    });
    if (this.#error === undefined) return;
    const { code, message, cause } = this.#error;
    throw new StoreError(code, `${this.#failures} of ${this.#operations.length} keys failed: ${message}`, {
      cause,
    });
  }

  /** Notes that an operation succeeded. */
  readonly resolveOne = (): void => {
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#resolve?.();
  };

  /** Notes that an operation failed. */
  readonly rejectOne = (error: unknown): void => {
    this.#failures += 1;
    if (!isStoreError(error)) throw error;
    if (this.#error === undefined || error.code === "KV_OUTCOME_UNKNOWN") this.#error = error;
    // Without a server the chunks that follow would only wait for it, one after the other.
    if (error.code === "KV_UNAVAILABLE" || error.code === "KV_OUTCOME_UNKNOWN") this.#abort?.(error);
    this.resolveOne();
  };
}
