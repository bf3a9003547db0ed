import { randomBytes } from "node:crypto";
import { listed, makeDirectory, movedIfThere, removeIfEmpty } from "./directories.ts";
import { isErrno, isFileError, isMissing } from "./errors.ts";
import { answered, type Io, run } from "./io.ts";
import type { Session } from "./session.ts";
import type { Slice, Turns } from "./turns.ts";

/** Moves a directory to the trash. Gives where it is now; `undefined` where there was none. */
export function* moveToTrash({ around, layout }: Session, path: string): Io<string | undefined> {
  const { now } = around.disk;
  const to = `${layout.trash}/${randomBytes(8).toString("hex")}`;
  try {
    return (yield* movedIfThere(now, path, to)) ? to : undefined;
  } catch (error) {
    if (!isMissing(error)) throw error;
    yield* makeDirectory(now, layout.trash);
    return (yield* movedIfThere(now, path, to)) ? to : undefined;
  }
}

/** What was moved away in one step and is removed bit by bit, by whoever comes first. */
export class Trash {
  readonly #session: Session;
  readonly #turns: Turns;

  constructor(session: Session, turns: Turns) {
    this.#session = session;
    this.#turns = turns;
  }

  /** Removes one thing in the trash, or all. What cannot be removed now is left for the next time. */
  async empty(path: string = this.#session.layout.trash): Promise<void> {
    const slice = this.#turns.slice();
    try {
      if (path === this.#session.layout.trash) await this.#removeAllIn(path, slice);
      else await this.#removeTree(path, slice);
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }

  async #removeAllIn(path: string, slice: Slice): Promise<void> {
    const names = run(listed(this.#session.around.disk.now, path));
    for (const name of names instanceof Promise ? await names : names) {
      await this.#removeTree(`${path}/${name}`, slice);
    }
  }

  async #removeTree(path: string, slice: Slice): Promise<void> {
    if (slice.isOver()) await slice.next();
    const unlinked = run(this.#unlinked(path));
    if (unlinked instanceof Promise ? await unlinked : unlinked) return;
    await this.#removeAllIn(path, slice);
    const removed = run(removeIfEmpty(this.#session.around.disk.now, path));
    if (removed instanceof Promise) await removed;
  }

  /** Never follows a symbolic link: it is removed itself. */
  *#unlinked(path: string): Io<boolean> {
    try {
      yield* answered(this.#session.around.disk.now.unlink(path));
      return true;
    } catch (error) {
      if (isMissing(error)) return true;
      if (isErrno(error, "EISDIR", "EPERM")) return false;
      throw error;
    }
  }
}
