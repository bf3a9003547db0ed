import { readFileSync } from "node:fs";
import type { Answer } from "@kv/core/driver";

/** The threads that requests to one disk hold, and the requests that wait for one. */
interface DiskUse {
  inUse: number;
  readonly waiting: (() => void)[];
}

/**
 * A part of libuv's thread pool, which the whole process shares: a request to a disk that hangs holds its thread for as
 * long. Each disk has an even share of that part, and at least one thread while any is free.
 */
export class ThreadShare {
  readonly #limit: number;
  readonly #disks = new Map<string, DiskUse>();
  #inUse = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, Math.floor(limit));
  }

  /** Makes a request as soon as there is a thread for it. */
  async run<T>(disk: string, request: () => Answer<T>): Promise<T> {
    const use = this.#disks.get(disk) ?? { inUse: 0, waiting: [] };
    this.#disks.set(disk, use);
    if (!this.#tryAcquire(use)) await new Promise<void>((resolve) => use.waiting.push(resolve));
    try {
      return await request();
    } finally {
      this.#inUse -= 1;
      use.inUse -= 1;
      this.#disks.delete(disk); // the others come first
      this.#disks.set(disk, use);
      for (const each of this.#disks.values()) {
        if (each.waiting.length > 0 && this.#tryAcquire(each)) each.waiting.shift()?.();
      }
    }
  }

  #tryAcquire(use: DiskUse): boolean {
    const limit = Math.max(1, Math.floor(this.#limit / this.#disks.size));
    if (this.#inUse >= this.#limit || use.inUse >= limit) return false;
    this.#inUse += 1;
    use.inUse += 1;
    return true;
  }
}

const threads = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4) || 4;

/** All stores on network disks together: half of the threads. */
export const networkThreads: ThreadShare = new ThreadShare(threads / 2);

/** The syncs of all stores on local disks together: they leave a thread for everybody else. */
export const syncThreads: ThreadShare = new ThreadShare(threads - 1);

/** Returns the mount point of the disk that a path lies on, without asking the disk itself. */
export function diskOf(path: string): string {
  let mounts = "";
  try {
    mounts = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    // Not on Linux: each store counts as a disk of its own.
  }
  const all = mounts.split("\n").map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "));
  const above = all.filter((at) => at !== "" && `${path}/`.startsWith(at === "/" ? at : `${at}/`));
  return above.toSorted((a, b) => b.length - a.length)[0] ?? path;
}
