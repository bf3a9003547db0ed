import { guarded, longestTimerMs } from "@kv/core/driver";
import type { Entries } from "./entries.ts";

/**
 * Removes what has expired now and then, while there is something to sweep. Its timer neither keeps the process
 * alive nor the entries of a store that nobody holds any more.
 */
export class Sweeper {
  readonly #everyMs: number;
  readonly #entries: WeakRef<Entries>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(everyMs: number, entries: Entries) {
    this.#everyMs = Math.min(everyMs, longestTimerMs);
    this.#entries = new WeakRef(entries);
  }

  /** There is something that will expire. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(
      guarded(() => this.#sweep()),
      this.#everyMs,
    );
    // Browsers and workers give a number, which holds nothing alive.
    if (typeof this.#timer === "object") this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #sweep(): Promise<void> {
    const timer = this.#timer;
    const entries = this.#entries.deref();
    if (entries === undefined) return;
    const root = entries.tree.find([]);
    if (root !== undefined) await entries.removeExpired(root);
    if (this.#timer !== timer) return; // it was stopped meanwhile
    this.#timer = undefined;
    if (!entries.tree.isEmpty) this.start();
  }
}
