import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AtomicDriverNamespace,
  addToInteger,
  bytesOf,
  type Driver,
  type DriverValue,
  type Expiry,
  sameBytes,
  utf8,
} from "@kv/core/driver";

interface Entry {
  readonly path: readonly string[];
  readonly value: string;
  /** `null` for never: JSON has no Infinity. */
  readonly expiresAtMs: number | null;
}

/** A slow and simple driver whose data processes can share: a file for each entry, one lock around every call. */
export function directoryDriver(
  directory: string,
): Driver & { root: AtomicDriverNamespace; namespace(path: readonly string[]): AtomicDriverNamespace } {
  const namespace = (path: readonly string[]): AtomicDriverNamespace => directoryNamespace(directory, path);
  return { label: "directory", root: namespace([]), namespace };
}

function directoryNamespace(directory: string, path: readonly string[]): AtomicDriverNamespace {
  const locked = <T>(work: () => T): T => {
    mkdirSync(directory, { recursive: true });
    const lock = join(directory, "lock");
    while (!made(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    try {
      return work();
    } finally {
      rmdirSync(lock);
    }
  };
  const file = (key: string): string =>
    join(
      directory,
      createHash("sha256")
        .update(JSON.stringify([path, key]))
        .digest("hex"),
    );
  const find = (key: string): Entry | undefined => {
    const entry = read(file(key));
    return entry !== undefined && leftMs(entry) <= 0 ? undefined : entry;
  };
  const bytes = (key: string): Uint8Array | undefined => {
    const entry = find(key);
    return entry && Buffer.from(entry.value, "base64");
  };
  const put = (key: string, value: DriverValue, expiry: Expiry): void => {
    const expiresAtMs = expiry === "keep" ? (find(key)?.expiresAtMs ?? null) : end(expiry);
    const entry: Entry = { path, value: Buffer.from(bytesOf(value)).toString("base64"), expiresAtMs };
    writeFileSync(file(key), JSON.stringify(entry));
  };
  const renew = (key: string, renewForMs: number): boolean => {
    const entry = find(key);
    if (entry !== undefined && entry.expiresAtMs !== null) {
      writeFileSync(file(key), JSON.stringify({ ...entry, expiresAtMs: end(renewForMs) }));
    }
    return entry !== undefined;
  };
  const remove = (key: string): boolean => {
    const there = find(key) !== undefined;
    rmSync(file(key), { force: true });
    return there;
  };

  return {
    get: (key) => locked(() => bytes(key)),
    getAndRenew: (key, renewForMs) => locked(() => (renew(key, renewForMs) ? bytes(key) : undefined)),
    set: (key, value, expiry) => locked(() => put(key, value, expiry)),
    touch: (key, renewForMs) => locked(() => renew(key, renewForMs)),
    delete: (key) => locked(() => remove(key)),
    exists: (key) => locked(() => find(key) !== undefined),
    expiresInMs(key) {
      const entry = locked(() => find(key));
      return entry && leftMs(entry);
    },
    deleteAll: () =>
      locked(() => {
        for (const name of readdirSync(directory).filter((each) => each !== "lock")) {
          const entry = read(join(directory, name));
          if (path.every((part, at) => entry?.path[at] === part)) rmSync(join(directory, name));
        }
      }),
    increment: (key, by, expiresInMs) =>
      locked(() => {
        const entry = find(key);
        const value = addToInteger(bytes(key), by);
        put(key, utf8(String(value)), entry === undefined ? expiresInMs : "keep");
        return { value, expiresInMs: entry === undefined ? expiresInMs : leftMs(entry) };
      }),
    setIfAbsent: (key, value, expiresInMs) =>
      locked(() => {
        if (find(key) !== undefined) return false;
        put(key, value, expiresInMs);
        return true;
      }),
    compareAndSet: (key, expected, value, expiry) =>
      locked(() => {
        const is = bytes(key);
        if (is === undefined || !sameBytes(is, bytesOf(expected))) return false;
        put(key, value, expiry);
        return true;
      }),
    compareAndDelete: (key, expected) =>
      locked(() => {
        const is = bytes(key);
        return is !== undefined && sameBytes(is, bytesOf(expected)) && remove(key);
      }),
  };
}

function made(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function read(file: string): Entry | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Entry;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function leftMs({ expiresAtMs }: Entry): number {
  return expiresAtMs === null ? Number.POSITIVE_INFINITY : expiresAtMs - Date.now();
}

function end(ms: number): number | null {
  return ms === Number.POSITIVE_INFINITY ? null : Date.now() + ms;
}
