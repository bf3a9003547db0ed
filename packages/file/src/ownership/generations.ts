import { randomBytes } from "node:crypto";
import { isDirectory, listDirectory, makeDirectories } from "../disk/file-operations.ts";
import { computeOnce, type Gensync } from "../disk/gensync.ts";
import { generationPattern, type NamespaceLocation } from "../format/layout.ts";
import type { StoreDirectory } from "./store-directory.ts";

const maxCached = 10_000;

/**
 * The generations of namespaces. A generation is a directory in the namespace that nobody makes a second time: a path
 * that leads through it leads nowhere once a `deleteAll` has moved the namespace away, even if it is made again.
 */
export class Generations {
  readonly #directory: StoreDirectory;
  /** Their paths, by the directory of the namespace. */
  readonly #paths = new Map<string, string>();
  readonly #lookups = new Map<string, Promise<void>>();

  constructor(directory: StoreDirectory) {
    this.#directory = directory;
  }

  /** Returns the path of a namespace's generation, which is made if there is none. */
  *current({ directory }: NamespaceLocation): Gensync<string> {
    return this.#paths.get(directory) ?? (yield* this.#lookUp(directory));
  }

  /** Looks again with the next call. */
  invalidate({ directory }: NamespaceLocation): void {
    this.#paths.delete(directory);
  }

  #lookUp(directory: string): Gensync<string> {
    return computeOnce(
      this.#lookups,
      directory,
      () => this.#paths.get(directory),
      () => this.#findOrMake(directory),
    );
  }

  *#findOrMake(directory: string): Gensync<string> {
    const { disk, layout } = this.#directory;
    const name = (yield* listDirectory(disk.inline, directory)).find((each) => generationPattern.test(each));
    let path = `${directory}/${name ?? ""}`;
    if (name === undefined || !(yield* isDirectory(disk.inline, path))) {
      path = `${directory}/g-${randomBytes(8).toString("hex")}`;
      yield* makeDirectories(disk.inline, path, layout.directory);
    }
    if (this.#paths.size >= maxCached) this.#paths.clear();
    this.#paths.set(directory, path);
    return path;
  }
}
