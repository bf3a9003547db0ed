import type { Answer } from "@kv/core/driver";
import { type Disk, disks, type Files } from "../src/files.ts";

/** Whether to hold up a call, which is the so many-th since `arm`. */
export type Holds = (call: {
  readonly number: number;
  readonly name: keyof Files;
  readonly args: readonly unknown[];
}) => boolean;

export type Side = "before" | "after";

/**
 * A disk on which one call is held up, as if its process had been stopped just before it or just after it. From then
 * on the process can go on, or be killed: then no call of it is made any more.
 */
export class HeldDisk implements Disk {
  readonly now: Files;
  readonly later: Files;
  /** Settles when the call is reached. */
  held!: Promise<void>;
  #holds: Holds;
  readonly #side: Side;
  #released!: Promise<void>;
  #reached!: () => void;
  #goOn!: () => void;
  #calls = 0;
  #state: "idle" | "armed" | "killed" = "idle";
  /** How many more calls are made after it was released, until it is killed. */
  #callsLeft = Number.POSITIVE_INFINITY;

  constructor(holds: Holds, side: Side = "before") {
    this.#holds = holds;
    this.#side = side;
    this.#expect();
    const { later } = disks.network;
    const names = Object.keys(later) as (keyof Files)[];
    const calls = names.map((name) => {
      const call = later[name] as (...args: unknown[]) => Answer<unknown>;
      return [name, (...args: unknown[]) => this.#made(name, args, () => call(...args))];
    });
    this.now = Object.fromEntries(calls) as Files;
    this.later = this.now;
  }

  arm(): void {
    this.#state = "armed";
  }

  /** Lets the process go on; it is killed after so many calls. */
  release(callsLeft: number = Number.POSITIVE_INFINITY): void {
    this.#state = "idle";
    this.#callsLeft = callsLeft;
    this.#goOn();
  }

  /** Lets the process go on, and holds it up again at another call. */
  holdNext(holds: Holds): void {
    const goOn = this.#goOn;
    this.#holds = holds;
    this.#expect();
    goOn();
  }

  /** Whether a call was refused because the process was killed. */
  get wasKilled(): boolean {
    return this.#state === "killed";
  }

  async #made(name: keyof Files, args: readonly unknown[], call: () => Answer<unknown>): Promise<unknown> {
    const isHeld = this.#state === "armed" && this.#isHeld(name, args);
    if (isHeld && this.#side === "before") await this.#waited();
    if (this.#callsLeft <= 0) {
      this.#state = "killed";
      throw Object.assign(new Error("killed"), { errno: -1, code: "KILLED", syscall: name });
    }
    this.#callsLeft -= 1;
    try {
      return await call();
    } finally {
      if (isHeld && this.#side === "after") await this.#waited();
    }
  }

  #isHeld(name: keyof Files, args: readonly unknown[]): boolean {
    this.#calls += 1;
    return this.#holds({ number: this.#calls, name, args });
  }

  #expect(): void {
    this.held = new Promise((resolve) => {
      this.#reached = resolve;
    });
    this.#released = new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }

  async #waited(): Promise<void> {
    this.#reached();
    await this.#released;
  }
}
