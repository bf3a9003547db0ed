import { addToInteger, bytesOf, type DriverValue, type Expiry, sameBytes } from "@kv/core/driver";
import type { NewEntry } from "./entry-writer.ts";
import type { Projection, StoredEntry } from "./stored-entry.ts";

/** The change to make to an entry, and the answer to the caller. */
export interface Decision<T> {
  readonly answer: T;
  /** The entry to put in its place. */
  readonly write?: NewEntry;
  readonly removes?: boolean;
}

/** A change of an entry that depends on what it holds. */
export interface Update<T> {
  /** The part of the entry that has to be read to decide. */
  readonly reads: Projection | "nothing";
  /** Takes a damaged entry for one that never expires. Default: it rejects with `KV_CORRUPT`. */
  readonly acceptsDamage?: true;
  /** Writes in any case, so it is decided under the lock alone. Default: it is decided without the lock first. */
  readonly alwaysWrites?: true;
  /** Decides by the entry, if it is live, and by when it was read. */
  readonly decide: (entry: StoredEntry | undefined, nowMs: number) => Decision<T>;
}

export function setTo(value: DriverValue, expiry: Expiry): Update<void> {
  if (expiry !== "keep") {
    return { reads: "nothing", decide: (_, nowMs) => write(value, nowMs + expiry, undefined) };
  }
  const decide = (entry: StoredEntry | undefined): Decision<void> =>
    write(value, entry?.expiresAtMs ?? Number.POSITIVE_INFINITY, undefined);
  return { reads: "expiry", acceptsDamage: true, decide };
}

export function setIfAbsentTo(value: DriverValue, expiresInMs: number): Update<boolean> {
  return {
    reads: "expiry",
    decide: (entry, nowMs) =>
      entry === undefined ? write(value, nowMs + expiresInMs, true) : { answer: false },
  };
}

export function compareAndSetTo(expected: DriverValue, value: DriverValue, expiry: Expiry): Update<boolean> {
  return {
    reads: "value",
    decide: (entry, nowMs) =>
      holds(entry, expected)
        ? write(value, expiry === "keep" ? entry.expiresAtMs : nowMs + expiry, true)
        : { answer: false },
  };
}

export function incrementBy(by: number, expiresInMs: number): Update<{ value: number; expiresInMs: number }> {
  return {
    reads: "value",
    alwaysWrites: true,
    decide(entry, nowMs) {
      const value = addToInteger(entry?.value, by);
      const expiresAtMs = entry?.expiresAtMs ?? nowMs + expiresInMs;
      return write(String(value), expiresAtMs, { value, expiresInMs: expiresAtMs - nowMs });
    },
  };
}

export const removal: Update<boolean> = {
  reads: "expiry",
  acceptsDamage: true,
  decide: (entry) => removeIf(entry !== undefined),
};

export function compareAndRemove(expected: DriverValue): Update<boolean> {
  return { reads: "value", decide: (entry) => removeIf(holds(entry, expected)) };
}

export const taking: Update<Uint8Array | undefined> = {
  reads: "value",
  decide: (entry) => ({ answer: entry?.value, removes: entry !== undefined }),
};

function write<T>(value: DriverValue, expiresAtMs: number, answer: T): Decision<T> {
  return { answer, write: { value, expiresAtMs } };
}

function removeIf(removes: boolean): Decision<boolean> {
  return { answer: removes, removes };
}

function holds(entry: StoredEntry | undefined, expected: DriverValue): entry is StoredEntry {
  return entry !== undefined && sameBytes(entry.value, bytesOf(expected));
}
