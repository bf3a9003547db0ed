import { closeSync, constants, openSync } from "node:fs";
import { basename, dirname, normalize } from "node:path";
import type { Answer } from "@kv/core/driver";
import { type Disk, disks, type FileSystem } from "../src/disk/file-system.ts";
import { isErrno } from "../src/errors/errors.ts";

/** Whether to hold up a call, which is the so many-th since `arm` that can be. */
export type Holds = (call: {
  readonly number: number;
  readonly name: keyof FileSystem;
  readonly args: readonly unknown[];
}) => boolean;

/**
 * `within` is when the system has found the directories that a rename or a link names, and waits before it does what
 * was asked: it does it in these directories, wherever they are by then. `halfway` is when it has found the directory
 * of the source, and looks for that of the target only then. Of other calls none is held up so.
 */
export type Side = "before" | "halfway" | "within" | "after";

/** Where a call can be held up: only Linux lets a test name a directory that it has found, wherever that is by now. */
export const sides: readonly Side[] =
  process.platform === "linux" ? ["before", "halfway", "within", "after"] : ["before", "after"];

/**
 * A disk on which one call is held up, as if its process had been stopped just before it, in it or just after it. From
 * then on the process can go on, or be killed: then no call of it is made any more.
 */
export class HeldDisk implements Disk {
  readonly inline: FileSystem;
  readonly pooled: FileSystem;
  /** Settles when the call is reached. */
  held!: Promise<void>;
  #holds: Holds;
  readonly #side: Side;
  #released!: Promise<void>;
  #reached!: () => void;
  #resume!: () => void;
  #calls = 0;
  #state: "idle" | "armed" | "killed" = "idle";
  /** How many more calls are made after it was released, until it is killed. */
  #callsLeft = Number.POSITIVE_INFINITY;

  constructor(holds: Holds, side: Side = "before") {
    this.#holds = holds;
    this.#side = side;
    this.#expect();
    const { pooled } = disks.network;
    const names = Object.keys(pooled) as (keyof FileSystem)[];
    const calls = names.map((name) => {
      const call = pooled[name] as (...args: unknown[]) => Answer<unknown>;
      return [name, (...args: unknown[]) => this.#made(name, args, (found) => call(...found))];
    });
    this.inline = Object.fromEntries(calls) as FileSystem;
    this.pooled = this.inline;
  }

  arm(): void {
    this.#state = "armed";
  }

  /** Lets the process go on; it is killed after so many calls. */
  release(callsLeft: number = Number.POSITIVE_INFINITY): void {
    this.#state = "idle";
    this.#callsLeft = callsLeft;
    this.#resume();
  }

  /** Lets the process go on, and holds it up again at another call. */
  holdNext(holds: Holds): void {
    const resume = this.#resume;
    this.#holds = holds;
    this.#expect();
    resume();
  }

  /** Whether a call was refused because the process was killed. */
  get wasKilled(): boolean {
    return this.#state === "killed";
  }

  async #made(
    name: keyof FileSystem,
    args: readonly unknown[],
    call: (args: readonly unknown[]) => Answer<unknown>,
  ): Promise<unknown> {
    const isHeld = this.#state === "armed" && this.#isHeld(name, args);
    const found = isHeld ? this.#found(args) : [];
    if (isHeld && this.#side !== "after") await this.#waited();
    if (this.#callsLeft <= 0) {
      this.#state = "killed";
      throw Object.assign(new Error("killed"), { errno: -1, code: "KILLED", syscall: name });
    }
    this.#callsLeft -= 1;
    try {
      return await call(found.length > 0 ? found.map(({ arg }) => arg) : args);
    } finally {
      for (const { directory } of found) if (directory !== undefined) closeSync(directory);
      if (isHeld && this.#side === "after") await this.#waited();
    }
  }

  #found(args: readonly unknown[]): readonly FoundArg[] {
    if (this.#side === "within") return args.map(foundNow);
    if (this.#side === "halfway") return args.map((arg, at) => (at === 0 ? foundNow(arg) : { arg }));
    return [];
  }

  #isHeld(name: keyof FileSystem, args: readonly unknown[]): boolean {
    const isPartly = this.#side === "within" || this.#side === "halfway";
    if (isPartly && name !== "rename" && name !== "link") return false;
    this.#calls += 1;
    return this.#holds({ number: this.#calls, name, args });
  }

  #expect(): void {
    this.held = new Promise((resolve) => {
      this.#reached = resolve;
    });
    this.#released = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  async #waited(): Promise<void> {
    this.#reached();
    await this.#released;
  }
}

interface FoundArg {
  readonly arg: unknown;
  readonly directory?: number;
}

/** Whether a path that a call to the disk was given is that of a file, to which it may lead by a detour. */
export function leadsTo(path: unknown, file: string): boolean {
  return normalize(String(path)) === file;
}

/** Whether a call puts a file in the place of an entry. */
export function isCommit({
  name,
  args,
}: {
  readonly name: string;
  readonly args: readonly unknown[];
}): boolean {
  return name === "rename" && /\/d\/[0-9a-f]{2}\/[0-9a-f]{64}$/.test(String(args[1]));
}

/** What a call is given, where a path leads to a directory that is found now. */
function foundNow(arg: unknown): FoundArg {
  if (typeof arg !== "string") return { arg };
  try {
    const directory = openSync(dirname(arg), constants.O_RDONLY | constants.O_DIRECTORY);
    return { arg: `/proc/self/fd/${directory}/${basename(arg)}`, directory };
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
    return { arg };
  }
}
