import type { Answer } from "@kv/core/driver";
import type { FileStoreOptions } from "@kv/file";
import { asynchronousFiles, type Disk, disks, type Files } from "../src/files.ts";

export interface DiskCall {
  readonly name: keyof Files;
  readonly args: readonly unknown[];
}

/** Asked before every call to the disk: an error that it gives is thrown in the place of the call. */
export type Fault = (call: DiskCall) => Error | undefined;

/** The disk, with faults. */
export function faultyDisk(fault: Fault, kind: FileStoreOptions["disk"] = "local"): Disk {
  const { now, later } = disks[kind];
  const faultyLater = faulty(later, fault);
  return { now: now === later ? faultyLater : faulty(now, fault), later: faultyLater };
}

/** An error as the file system's. */
export function errno(code: string, { name, args }: DiskCall): Error {
  const path = typeof args[0] === "string" ? args[0] : undefined;
  return Object.assign(new Error(`${code}: injected, ${name}`), { code, errno: -1, syscall: name, path });
}

function faulty(files: Files, fault: Fault): Files {
  const isAsynchronous = files === asynchronousFiles;
  return aroundEach(files, (called, call) => {
    const error = fault(called);
    if (error === undefined) return call();
    if (isAsynchronous) return Promise.reject(error);
    throw error;
  });
}

/** The same calls, each of them made by `around`. */
export function aroundEach(
  files: Files,
  around: (called: DiskCall, call: () => Answer<unknown>) => Answer<unknown>,
): Files {
  const names = Object.keys(files) as (keyof Files)[];
  const wrapped = names.map((name) => {
    const call = files[name] as (...args: unknown[]) => Answer<unknown>;
    return [name, (...args: unknown[]) => around({ name, args }, () => call(...args))];
  });
  return Object.fromEntries(wrapped) as Files;
}
