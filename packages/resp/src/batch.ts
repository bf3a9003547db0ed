import { isStoreError, StoreError } from "@kv/core";
import type { Order } from "./order.ts";
import type { Step } from "./step.ts";

/** The steps of a call on many keys: it is answered when every one of them is settled. */
export class Batch {
  readonly #steps: Step[] = [];
  #unsettled = 0;
  #failures = 0;
  #error: StoreError | undefined;
  #stop: ((error: unknown) => void) | undefined;
  #end: (() => void) | undefined;

  add(step: Step): void {
    this.#steps.push(step);
    this.#unsettled += 1;
  }

  /** Sends all there is. Fails with the gravest error that a key met, and says how many met one. */
  async send(order: Order): Promise<void> {
    if (this.#unsettled === 0) return;
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      this.#stop = order.sendAll(this.#steps);
    });
    if (this.#error === undefined) return;
    const { code, message, cause } = this.#error;
    throw new StoreError(code, `${this.#failures} of ${this.#steps.length} keys failed: ${message}`, {
      cause,
    });
  }

  readonly done = (): void => {
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#end?.();
  };

  readonly failed = (error: unknown): void => {
    this.#failures += 1;
    if (!isStoreError(error)) throw error;
    if (this.#error === undefined || error.code === "KV_OUTCOME_UNKNOWN") this.#error = error;
    // Where the server is away, the pieces that follow would only wait for it, one after the other.
    if (error.code === "KV_UNAVAILABLE" || error.code === "KV_OUTCOME_UNKNOWN") this.#stop?.(error);
    this.done();
  };
}
