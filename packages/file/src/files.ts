import fs from "node:fs";
import type { Answer } from "@kv/core/driver";
import { isMissing } from "./errors.ts";
import { networkThreads, syncThreads } from "./thread-share.ts";

/** The calls that the driver makes to the file system, and no others: tests put faults and a record in their place. */
export interface Files {
  /** Never follows a symbolic link and never waits for the other end of a FIFO. A file that is created is private. */
  open(path: string, flags: number): Answer<number>;
  close(fd: number): Answer<void>;
  read(fd: number, into: Uint8Array, offset: number, length: number, position: number): Answer<number>;
  write(fd: number, from: Uint8Array, offset: number, length: number, position: number): Answer<number>;
  sync(fd: number): Answer<void>;
  stat(fd: number): Answer<FileStatus>;
  /** Of what stands at a path, a symbolic link itself included; `undefined` where nothing does. */
  statAt(path: string): Answer<FileStatus | undefined>;
  changeMode(fd: number, mode: number): Answer<void>;
  /** Sets the time of the last change to now. */
  beat(path: string): Answer<void>;
  link(existing: string, path: string): Answer<void>;
  rename(from: string, to: string): Answer<void>;
  unlink(path: string): Answer<void>;
  makeDirectory(path: string): Answer<void>;
  removeDirectory(path: string): Answer<void>;
  list(path: string): Answer<string[]>;
}

/** The change of `ctimeMs` is that of anything, links and times included, by the clock of the file system. */
export type FileStatus = Pick<
  fs.Stats,
  "size" | "mode" | "ino" | "dev" | "nlink" | "uid" | "ctimeMs" | "isDirectory"
>;

/** The same calls in two ways: `now` for what is small, `later` for what may take long. */
export interface Disk {
  readonly now: Files;
  readonly later: Files;
}

export type DiskKind = "local" | "network";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;
// Windows has neither.
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants as Partial<typeof fs.constants>;
const always = O_NOFOLLOW | O_NONBLOCK;

export const toRead: number = O_RDONLY | always;
export const toChange: number = O_RDWR | always;
export const toCreate: number = O_WRONLY | O_CREAT | O_EXCL | always;

const privateFile = 0o600;
const privateDirectory = 0o700;
/** Each call is done when it returns. */
const synchronousFiles: Files = {
  open: (path, flags) => fs.openSync(path, flags, privateFile),
  close: (fd) => fs.closeSync(fd),
  read: (fd, into, offset, length, position) => fs.readSync(fd, into, offset, length, position),
  write: (fd, from, offset, length, position) => fs.writeSync(fd, from, offset, length, position),
  sync: (fd) => fs.fsyncSync(fd),
  stat: (fd) => fs.fstatSync(fd),
  statAt: (path) => fs.lstatSync(path, { throwIfNoEntry: false }),
  changeMode: (fd, mode) => fs.fchmodSync(fd, mode),
  beat: (path) => fs.utimesSync(path, new Date(), new Date()),
  link: (existing, path) => fs.linkSync(existing, path),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  makeDirectory: (path) => fs.mkdirSync(path, privateDirectory),
  removeDirectory: (path) => fs.rmdirSync(path),
  list: (path) => fs.readdirSync(path),
};

/** Each call is made by a thread of the pool. */
export const asynchronousFiles: Files = {
  open: (path, flags) => promised(fs.open)(path, flags, privateFile),
  close: promised(fs.close),
  read: promised(fs.read),
  write: promised(fs.write),
  sync: promised(fs.fsync),
  stat: promised(fs.fstat),
  statAt: (path) => promised(fs.lstat)(path).catch(undefinedIfMissing),
  changeMode: promised(fs.fchmod),
  beat: (path) => promised(fs.utimes)(path, new Date(), new Date()),
  link: promised(fs.link),
  rename: promised(fs.rename),
  unlink: promised(fs.unlink),
  makeDirectory: (path) => promised(fs.mkdir)(path, privateDirectory),
  removeDirectory: promised(fs.rmdir),
  list: promised(fs.readdir),
};

export const disks: Readonly<Record<DiskKind, Disk>> = {
  local: { now: synchronousFiles, later: asynchronousFiles },
  network: { now: asynchronousFiles, later: asynchronousFiles },
};

/** A disk as a store uses it: with no more threads of the pool than it may hold. */
export function sharingThreads({ now, later }: Disk, kind: DiskKind, name: () => string): Disk {
  if (kind === "local") {
    const shared: Files = { ...later, sync: (fd) => syncThreads.run("", async () => later.sync(fd)) };
    return { now: now === later ? shared : now, later: shared };
  }
  let disk: string | undefined;
  const calls = Object.entries(later).map(
    ([call, make]: [string, (...args: unknown[]) => Answer<unknown>]) => [
      call,
      (...args: unknown[]) => networkThreads.run((disk ??= name()), async () => make(...args)),
    ],
  );
  const shared = Object.fromEntries(calls) as Files;
  return { now: shared, later: shared };
}

/** A call of Node's as one that gives a promise. `promisify` gives of `read` and `write` more than a length. */
function promised(call: (...args: never[]) => void): (...args: unknown[]) => Promise<never> {
  return (...args) =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null | undefined, result: never): void => {
        if (error === null || error === undefined) resolve(result);
        else reject(error);
      };
      call(...([...args, done] as never[]));
    });
}

function undefinedIfMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
