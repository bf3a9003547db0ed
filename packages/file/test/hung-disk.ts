import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import type { Answer } from "@kv/core/driver";
import { type Disk, disks, type FileSystem } from "../src/disk/file-system.ts";
import type { DiskCall } from "./injected-faults.ts";

/**
 * A network disk that stops answering. A call that is made then holds a thread of the pool, as one does that waits in
 * the system, and is made when the disk answers again.
 */
export class HungDisk implements Disk {
  readonly inline: FileSystem;
  readonly pooled: FileSystem;
  /** The calls that have reached it while it did not answer. */
  readonly sent: DiskCall[] = [];
  /** How many wait. */
  waiting = 0;
  readonly #directory: string;
  #hangs: (call: DiskCall) => boolean = () => false;
  /** To open it takes until somebody opens its other end. */
  #fifo = "";

  /** @param directory where it may put files of its own */
  constructor(directory: string) {
    this.#directory = directory;
    const { pooled } = disks.network;
    const names = Object.keys(pooled) as (keyof FileSystem)[];
    const calls = names.map((name) => {
      const call = pooled[name] as (...args: unknown[]) => Answer<unknown>;
      return [
        name,
        async (...args: unknown[]) => {
          if (this.#hangs({ name, args })) await this.#hung({ name, args });
          return await call(...args);
        },
      ];
    });
    this.inline = Object.fromEntries(calls) as FileSystem;
    this.pooled = this.inline;
  }

  /** From now on it does not answer, or not to some calls. */
  hang(hangs: (call: DiskCall) => boolean = () => true): void {
    this.#fifo = join(this.#directory, crypto.randomUUID());
    execFileSync("mkfifo", [this.#fifo]);
    this.#hangs = hangs;
  }

  /** It answers again, also to all that waits. */
  answer(): void {
    this.#hangs = () => false;
    // Such an open does not wait itself; what waits for it goes on.
    fs.openSync(this.#fifo, fs.constants.O_RDWR);
  }

  async #hung(call: DiskCall): Promise<void> {
    this.sent.push(call);
    this.waiting += 1;
    const fd = await new Promise<number>((resolve, reject) => {
      fs.open(this.#fifo, "r", (error, opened) => {
        if (error === null) resolve(opened);
        else reject(error);
      });
    });
    fs.closeSync(fd);
    this.waiting -= 1;
  }
}
