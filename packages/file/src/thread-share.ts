import { readFileSync } from "node:fs";

interface Users {
  inUse: number;
  readonly waiting: (() => void)[];
}

/**
 * A part of libuv's thread pool, which the whole process shares: a request to a disk that hangs holds its thread for as
 * long. Of the part each disk has an even share, and at least one thread while any is free.
 */
export class ThreadShare {
  readonly #limit: number;
  readonly #disks = new Map<string, Users>();
  #inUse = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, Math.floor(limit));
  }

  /** Makes a request as soon as there is a thread for it. */
  async run<T>(disk: string, request: () => Promise<T>): Promise<T> {
    const users = this.#disks.get(disk) ?? { inUse: 0, waiting: [] };
    this.#disks.set(disk, users);
    if (!this.#enters(users)) await new Promise<void>((resolve) => users.waiting.push(resolve));
    try {
      return await request();
    } finally {
      this.#inUse -= 1;
      users.inUse -= 1;
      this.#disks.delete(disk); // the others come first
      this.#disks.set(disk, users);
      for (const each of this.#disks.values()) {
        if (each.waiting.length > 0 && this.#enters(each)) each.waiting.shift()?.();
      }
    }
  }

  #enters(users: Users): boolean {
    const most = Math.max(1, Math.floor(this.#limit / this.#disks.size));
    if (this.#inUse >= this.#limit || users.inUse >= most) return false;
    this.#inUse += 1;
    users.inUse += 1;
    return true;
  }
}

const threads = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4) || 4;

/** All stores on network disks together: half of the threads. */
export const networkThreads: ThreadShare = new ThreadShare(threads / 2);

/** The syncs of all stores on local disks together: they leave a thread for everybody else. */
export const syncThreads: ThreadShare = new ThreadShare(threads - 1);

/** The disk that a path lies on, as far as this can be said without asking it. */
export function diskOf(path: string): string {
  let mounts = "";
  try {
    mounts = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    // Not on Linux: then each store is taken to have a disk of its own.
  }
  const all = mounts.split("\n").map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "));
  const above = all.filter((at) => at !== "" && `${path}/`.startsWith(at === "/" ? at : `${at}/`));
  return above.toSorted((a, b) => b.length - a.length)[0] ?? path;
}
