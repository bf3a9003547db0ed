import { isStoreError } from "@kv/core";
import { guarded, longestTimerMs, orWarn } from "@kv/core/driver";
import { isFileError } from "./errors.ts";

/** Sweeps now and then, from the first call on. Its timer does not keep the process alive. */
export class Sweeper {
  readonly #everyMs: number;
  readonly #sweep: () => Promise<unknown>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sweeping: Promise<void> | undefined;
  #stopped = false;

  constructor(everyMs: number, sweep: () => Promise<unknown>) {
    this.#everyMs = Math.min(everyMs, longestTimerMs);
    this.#sweep = sweep;
  }

  start(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    const sweep = guarded(() => {
      this.#sweeping = orWarn(() => this.#swept());
    });
    this.#timer = setTimeout(sweep, this.#everyMs).unref();
  }

  /** Ends when a sweep that is under way has. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  async #swept(): Promise<void> {
    try {
      await this.#sweep();
    } catch (error) {
      // What is wrong with the disk is told to those who use it, and to callers of deleteExpired.
      if (!isFileError(error) && !isStoreError(error)) throw error;
    } finally {
      this.#timer = undefined;
      this.start();
    }
  }
}
