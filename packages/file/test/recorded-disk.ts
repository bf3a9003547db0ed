import { dirname, relative } from "node:path";
import { createFlags, type Disk, disks, type FileSystem } from "../src/disk/file-system.ts";

/** All that was done up to a moment is sure to outlast every power cut from another moment on. */
interface Sync {
  readonly covers: number;
  readonly from: number;
}

export interface RecordedFile {
  readonly kind: "file";
  readonly writes: { readonly at: number; readonly position: number; readonly bytes: Buffer }[];
  readonly syncs: Sync[];
}

type Names = readonly (readonly [name: string, node: RecordedNode | undefined])[];

export interface RecordedDirectory {
  readonly kind: "directory";
  readonly steps: { readonly at: number; readonly names: Names }[];
  readonly syncs: Sync[];
  readonly entries: Map<string, RecordedNode>;
}

export type RecordedNode = RecordedFile | RecordedDirectory;

/** What a broken driver or a disk that lies would do. */
export type Mutation = "no sync of files" | "no sync of directories" | "rename before the sync of the file";

/**
 * A disk that keeps a record of all that changes it, with the moment of each change, so that what a power cut may
 * leave can be told. Moments are numbers that count up. What goes through the thread pool elsewhere is done here in
 * one step at a later turn of the event loop: so the record has one order.
 */
export class RecordedDisk implements Disk {
  readonly inline: FileSystem;
  readonly pooled: FileSystem;
  readonly root: RecordedDirectory = newDirectoryNode();
  readonly #path: string;
  readonly #mutation: Mutation | undefined;
  readonly #opened = new Map<number, RecordedNode>();
  /** With the mutation: files to be synced once they were renamed, and those that are by the next rename. */
  readonly #syncsToCome = new Set<RecordedNode>();
  readonly #syncsDue = new Set<RecordedNode>();
  #moment = 0;

  /** @param path a directory that is there, empty and durable */
  constructor(path: string, kind: "local" | "network", mutation?: Mutation) {
    this.#path = path;
    this.#mutation = mutation;
    const files = this.#recording(disks.local.inline); // each call is done when it returns
    this.pooled = laterFiles(files, (fd) => this.#syncedLater(fd));
    this.inline = kind === "network" ? this.pooled : files;
  }

  get moment(): number {
    return this.#moment;
  }

  /** A moment for what is no change of the disk. */
  mark(): number {
    this.#moment += 1;
    return this.#moment;
  }

  #recording(real: FileSystem): FileSystem {
    return {
      ...real,
      open: (path, flags) => {
        const fd = real.open(path, flags) as number;
        if (flags === createFlags) this.#named(path, { kind: "file", writes: [], syncs: [] });
        this.#opened.set(fd, this.#find(path));
        return fd;
      },
      close: (fd) => {
        this.#opened.delete(fd);
        return real.close(fd);
      },
      write: (fd, from, offset, length, position) => {
        const written = real.write(fd, from, offset, length, position) as number;
        const bytes = Buffer.from(from.subarray(offset, offset + written));
        const node = this.#opened.get(fd);
        if (node?.kind !== "file") throw new Error(`There is no record of a file ${fd}.`);
        node.writes.push({ at: this.mark(), position, bytes });
        return written;
      },
      sync: (fd) => this.#synced(fd, this.#moment),
      link: (existing, path) => {
        void real.link(existing, path);
        this.#named(path, this.#find(existing));
      },
      rename: (from, to) => {
        void real.rename(from, to);
        this.#renamed(from, to);
      },
      unlink: (path) => {
        void real.unlink(path);
        this.#named(path, undefined);
      },
      makeDirectory: (path) => {
        void real.makeDirectory(path);
        this.#named(path, newDirectoryNode());
      },
      removeDirectory: (path) => {
        void real.removeDirectory(path);
        this.#named(path, undefined);
      },
    };
  }

  #synced(fd: number, covers: number): void {
    const node = this.#opened.get(fd);
    if (node === undefined) throw new Error(`There is no record of a file ${fd}.`);
    if (this.#mutation === "no sync of files" && node.kind === "file") return;
    if (this.#mutation === "no sync of directories" && node.kind === "directory") return;
    if (this.#mutation === "rename before the sync of the file" && node.kind === "file") {
      this.#syncsToCome.add(node);
      return;
    }
    node.syncs.push({ covers, from: this.mark() });
  }

  async #syncedLater(fd: number): Promise<void> {
    const covers = this.#moment;
    await nextTurn();
    this.#synced(fd, covers);
  }

  #renamed(from: string, to: string): void {
    for (const due of this.#syncsDue) due.syncs.push({ covers: this.#moment, from: this.mark() });
    this.#syncsDue.clear();
    const node = this.#find(from);
    const [source, oldName] = this.#at(from);
    const [target, newName] = this.#at(to);
    if (source === target) {
      this.#stepped(source, this.mark(), [
        [oldName, undefined],
        [newName, node],
      ]);
    } else {
      const at = this.mark();
      this.#stepped(source, at, [[oldName, undefined]]);
      this.#stepped(target, at, [[newName, node]]);
    }
    if (this.#syncsToCome.delete(node)) this.#syncsDue.add(node);
  }

  #named(path: string, node: RecordedNode | undefined): void {
    const [directory, name] = this.#at(path);
    this.#stepped(directory, this.mark(), [[name, node]]);
  }

  #stepped(directory: RecordedDirectory, at: number, names: Names): void {
    directory.steps.push({ at, names });
    applyNames(directory.entries, names);
  }

  #at(path: string): [RecordedDirectory, string] {
    const parent = this.#find(dirname(path));
    if (parent.kind !== "directory") throw new Error(`The record has a file at ${dirname(path)}.`);
    return [parent, path.slice(path.lastIndexOf("/") + 1)];
  }

  #find(path: string): RecordedNode {
    let node: RecordedNode | undefined = this.root;
    for (const name of relative(this.#path, path).split("/")) {
      if (name === "") continue;
      // Above the root all is there, and nothing of it is recorded.
      if (name === "..") return newDirectoryNode();
      node = node?.kind === "directory" ? node.entries.get(name) : undefined;
    }
    if (node === undefined) throw new Error(`The record knows nothing of ${path}.`);
    return node;
  }
}

export function applyNames(entries: Map<string, RecordedNode>, names: Names): void {
  for (const [name, node] of names) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}

function newDirectoryNode(): RecordedDirectory {
  return { kind: "directory", steps: [], syncs: [], entries: new Map() };
}

function laterFiles(files: FileSystem, sync: (fd: number) => Promise<void>): FileSystem {
  const names = Object.keys(files) as (keyof FileSystem)[];
  const later = names.map((name) => [
    name,
    async (...args: unknown[]): Promise<unknown> => {
      await nextTurn();
      return (files[name] as (...args: unknown[]) => unknown)(...args);
    },
  ]);
  return { ...(Object.fromEntries(later) as FileSystem), sync };
}

/** Lets whatever else is under way go on. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
