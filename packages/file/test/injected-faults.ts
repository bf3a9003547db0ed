import type { Answer } from "@kv/core/driver";
import type { FileStoreOptions } from "@kv/file";
import { asynchronousFileSystem, type Disk, disks, type FileSystem } from "../src/disk/file-system.ts";

export interface DiskCall {
  readonly name: keyof FileSystem;
  readonly args: readonly unknown[];
}

/** Asked before every call to the disk: an error that it gives is thrown in the place of the call. */
export type Fault = (call: DiskCall) => Error | undefined;

/** The disk, with faults. */
export function faultyDisk(fault: Fault, kind: FileStoreOptions["disk"] = "local"): Disk {
  const { inline, pooled } = disks[kind];
  const faultyLater = faulty(pooled, fault);
  return { inline: inline === pooled ? faultyLater : faulty(inline, fault), pooled: faultyLater };
}

/** An error as the file system's. */
export function errno(code: string, { name, args }: DiskCall): Error {
  const path = typeof args[0] === "string" ? args[0] : undefined;
  return Object.assign(new Error(`${code}: injected, ${name}`), { code, errno: -1, syscall: name, path });
}

function faulty(files: FileSystem, fault: Fault): FileSystem {
  const isAsynchronous = files === asynchronousFileSystem;
  return aroundEach(files, (called, call) => {
    const error = fault(called);
    if (error === undefined) return call();
    if (isAsynchronous) return Promise.reject(error);
    throw error;
  });
}

/** The same calls, each of them made by `around`. */
export function aroundEach(
  files: FileSystem,
  around: (called: DiskCall, call: () => Answer<unknown>) => Answer<unknown>,
): FileSystem {
  const names = Object.keys(files) as (keyof FileSystem)[];
  const wrapped = names.map((name) => {
    const call = files[name] as (...args: unknown[]) => Answer<unknown>;
    return [name, (...args: unknown[]) => around({ name, args }, () => call(...args))];
  });
  return Object.fromEntries(wrapped) as FileSystem;
}
