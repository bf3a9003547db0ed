import fs from "node:fs";
import type { Answer } from "@kv/core/driver";
import { isMissing } from "./errors.ts";

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
  /** Sets the time of the last change to now. */
  beat(path: string): Answer<void>;
  link(existing: string, path: string): Answer<void>;
  rename(from: string, to: string): Answer<void>;
  unlink(path: string): Answer<void>;
  makeDirectory(path: string): Answer<void>;
  removeDirectory(path: string): Answer<void>;
  list(path: string): Answer<string[]>;
}

export interface FileStatus {
  readonly size: number;
  readonly mode: number;
  readonly ino: number;
  readonly nlink: number;
  readonly mtimeMs: number;
  isDirectory(): boolean;
}

/** The same calls in two ways: `now` for what is small, `later` for what may take long. */
export interface Disk {
  readonly now: Files;
  readonly later: Files;
}

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
  beat: (path) => fs.utimesSync(path, new Date(), new Date()),
  link: (existing, path) => fs.linkSync(existing, path),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  makeDirectory(path) {
    fs.mkdirSync(path, privateDirectory);
  },
  removeDirectory: (path) => fs.rmdirSync(path),
  list: (path) => fs.readdirSync(path),
};

/** Each call is made by a thread of the pool. */
export const asynchronousFiles: Files = {
  open: (path, flags) => promised((done) => fs.open(path, flags, privateFile, done)),
  close: (fd) => promised((done) => fs.close(fd, done)),
  read: (fd, into, offset, length, position) =>
    promised((done) => fs.read(fd, into, offset, length, position, done)),
  write: (fd, from, offset, length, position) =>
    promised((done) => fs.write(fd, from, offset, length, position, done)),
  sync: (fd) => promised((done) => fs.fsync(fd, done)),
  stat: (fd) => promised((done) => fs.fstat(fd, done)),
  statAt: (path) => promised<FileStatus>((done) => fs.lstat(path, done)).catch(undefinedIfMissing),
  beat: (path) => promised((done) => fs.utimes(path, new Date(), new Date(), done)),
  link: (existing, path) => promised((done) => fs.link(existing, path, done)),
  rename: (from, to) => promised((done) => fs.rename(from, to, done)),
  unlink: (path) => promised((done) => fs.unlink(path, done)),
  makeDirectory: (path) => promised((done) => fs.mkdir(path, privateDirectory, done)),
  removeDirectory: (path) => promised((done) => fs.rmdir(path, done)),
  list: (path) => promised((done) => fs.readdir(path, done)),
};

export const disks: Readonly<Record<"local" | "network", Disk>> = {
  local: { now: synchronousFiles, later: asynchronousFiles },
  network: { now: asynchronousFiles, later: asynchronousFiles },
};

type Done<T> = (error: NodeJS.ErrnoException | null, result?: T) => void;

function undefinedIfMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}

function promised<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error === null || error === undefined) resolve(result as T);
      else reject(error);
    });
  });
}
