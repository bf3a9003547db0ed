import fs from "node:fs";
import { type Answer, time } from "@kv/core/driver";
import { isNotFound } from "../errors/errors.ts";
import { networkThreads, syncThreads } from "./thread-share.ts";

/** The calls that the driver makes to the file system. There are no others: tests inject faults and record them here. */
export interface FileSystem {
  /** Never follows a symbolic link and never waits for the other end of a FIFO. A file that is created is private. */
  open(path: string, flags: number): Answer<number>;
  close(fd: number): Answer<void>;
  read(fd: number, into: Uint8Array, offset: number, length: number, position: number): Answer<number>;
  write(fd: number, from: Uint8Array, offset: number, length: number, position: number): Answer<number>;
  sync(fd: number): Answer<void>;
  stat(fd: number): Answer<FileStatus>;
  /** Reads the status of what is at a path, of a symbolic link itself; `undefined` where nothing is. */
  statAt(path: string): Answer<FileStatus | undefined>;
  changeMode(fd: number, mode: number): Answer<void>;
  /** Sets the times of a file to now. */
  touch(path: string): Answer<void>;
  link(existing: string, path: string): Answer<void>;
  rename(from: string, to: string): Answer<void>;
  unlink(path: string): Answer<void>;
  makeDirectory(path: string): Answer<void>;
  removeDirectory(path: string): Answer<void>;
  list(path: string): Answer<string[]>;
}

/** The status of a file. Any change moves `ctimeMs`, of links and times too, by the clock of the file system. */
export type FileStatus = Pick<
  fs.Stats,
  "size" | "mode" | "ino" | "dev" | "nlink" | "uid" | "ctimeMs" | "isDirectory"
>;

/** The same calls in two ways. On a network disk, which may hang, both are made by the thread pool. */
export interface Disk {
  /** For small requests: on a local disk each is done when it returns. */
  readonly inline: FileSystem;
  /** For requests that may take long: made by the thread pool. */
  readonly pooled: FileSystem;
}

export type DiskKind = "local" | "network";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;
// Windows has neither.
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants as Partial<typeof fs.constants>;
const commonFlags = O_NOFOLLOW | O_NONBLOCK;

export const readFlags: number = O_RDONLY | commonFlags;
export const readWriteFlags: number = O_RDWR | commonFlags;
export const createFlags: number = O_WRONLY | O_CREAT | O_EXCL | commonFlags;

const privateFile = 0o600;
const privateDirectory = 0o700;

/** Each call is done when it returns. */
const synchronousFileSystem: FileSystem = {
  open: (path, flags) => fs.openSync(path, flags, privateFile),
  close: (fd) => fs.closeSync(fd),
  read: (fd, into, offset, length, position) => fs.readSync(fd, into, offset, length, position),
  write: (fd, from, offset, length, position) => fs.writeSync(fd, from, offset, length, position),
  sync: (fd) => fs.fsyncSync(fd),
  stat: (fd) => fs.fstatSync(fd),
  statAt: (path) => fs.lstatSync(path, { throwIfNoEntry: false }),
  changeMode: (fd, mode) => fs.fchmodSync(fd, mode),
  touch: (path) => fs.utimesSync(path, wallSeconds(), wallSeconds()),
  link: (existing, path) => fs.linkSync(existing, path),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  makeDirectory: (path) => fs.mkdirSync(path, privateDirectory),
  removeDirectory: (path) => fs.rmdirSync(path),
  list: (path) => fs.readdirSync(path),
};

/** Each call is made by a thread of the pool. */
export const asynchronousFileSystem: FileSystem = {
  open: (path, flags) => promisify(fs.open)(path, flags, privateFile),
  close: promisify(fs.close),
  read: promisify(fs.read),
  write: promisify(fs.write),
  sync: promisify(fs.fsync),
  stat: promisify(fs.fstat),
  statAt: (path) => promisify(fs.lstat)(path).catch(undefinedIfMissing),
  changeMode: promisify(fs.fchmod),
  touch: (path) => promisify(fs.utimes)(path, wallSeconds(), wallSeconds()),
  link: promisify(fs.link),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
  makeDirectory: (path) => promisify(fs.mkdir)(path, privateDirectory),
  removeDirectory: promisify(fs.rmdir),
  list: promisify(fs.readdir),
};

export const disks: Readonly<Record<DiskKind, Disk>> = {
  local: { inline: synchronousFileSystem, pooled: asynchronousFileSystem },
  network: { inline: asynchronousFileSystem, pooled: asynchronousFileSystem },
};

/** Bounds how many threads of the pool the requests to a disk hold. */
export function limitThreads({ inline, pooled }: Disk, kind: DiskKind, name: () => string): Disk {
  if (kind === "local") {
    const shared: FileSystem = { ...pooled, sync: (fd) => syncThreads.run("", () => pooled.sync(fd)) };
    return { inline: inline === pooled ? shared : inline, pooled: shared };
  }
  let disk: string | undefined;
  const calls = Object.entries(pooled).map(
    ([call, make]: [string, (...args: unknown[]) => Answer<unknown>]) => [
      call,
      (...args: unknown[]) => networkThreads.run((disk ??= name()), () => make(...args)),
    ],
  );
  const shared = Object.fromEntries(calls) as FileSystem;
  return { inline: shared, pooled: shared };
}

/** Makes a call of Node's return a promise. Node's own `promisify` gives more than a length for `read` and `write`. */
function promisify(call: (...args: never[]) => void): (...args: unknown[]) => Promise<never> {
  return (...args) =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null | undefined, result: never): void => {
        if (error === null || error === undefined) resolve(result);
        else reject(error);
      };
      call(...([...args, done] as never[]));
    });
}

function wallSeconds(): number {
  return time.wallMs() / 1_000;
}

function undefinedIfMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
