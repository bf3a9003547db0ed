import type { Answer } from "@kv/core/driver";
import { type Disk, disks, type Files } from "../src/files.ts";

/** A disk on which one call can be held up, as if its process had been stopped just before it or just after it. */
export class HoldingDisk implements Disk {
  readonly now: Files;
  readonly later: Files;
  readonly #at: number;
  readonly #side: "before" | "after";
  #calls = 0;
  #armed = false;
  #reached!: () => void;
  #goOn!: () => void;
  /** Settles when the call is held. */
  readonly held: Promise<void>;
  readonly #released: Promise<void>;

  /** @param at the number of the call, counted from `arm` */
  constructor(at: number, side: "before" | "after") {
    this.#at = at;
    this.#side = side;
    this.held = new Promise((resolve) => {
      this.#reached = resolve;
    });
    this.#released = new Promise((resolve) => {
      this.#goOn = resolve;
    });
    const { later } = disks.network;
    const names = Object.keys(later) as (keyof Files)[];
    this.now = Object.fromEntries(
      names.map((name) => [
        name,
        (...args: unknown[]) =>
          this.#made(() => (later[name] as (...args: unknown[]) => Answer<unknown>)(...args)),
      ]),
    ) as unknown as Files;
    this.later = this.now;
  }

  arm(): void {
    this.#armed = true;
  }

  release(): void {
    this.#goOn();
  }

  async #made(call: () => Answer<unknown>): Promise<unknown> {
    if (this.#armed) this.#calls += 1;
    if (!this.#armed || this.#calls !== this.#at) return await call();
    if (this.#side === "before") {
      this.#reached();
      await this.#released;
      return await call();
    }
    try {
      return await call();
    } finally {
      this.#reached();
      await this.#released;
    }
  }
}
