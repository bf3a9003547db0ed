import type { Answer } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";
import { type Gensync, run } from "../disk/gensync.ts";
import { storeClosed } from "../errors/errors.ts";
import type { EntryKey } from "../format/layout.ts";
import type { FileContext } from "./context.ts";
import { liveAt, type Projection, type StoredEntry } from "./stored-entry.ts";

/** A question about an entry, and the part of it that has to be read to answer. */
export interface Query<T> {
  readonly reads: Projection;
  /** Answers by the entry, if it is live, and by when it was read. */
  readonly answer: (entry: StoredEntry | undefined, nowMs: number) => T;
}

export const valueQuery: Query<Uint8Array | undefined> = {
  reads: "value",
  answer: (entry) => entry?.value,
};

export const existsQuery: Query<boolean> = {
  reads: "expiry",
  answer: (entry) => entry !== undefined,
};

export const expiresInQuery: Query<number | undefined> = {
  reads: "expiry",
  answer: (entry, nowMs) => entry && entry.expiresAtMs - nowMs,
};

/** Answers a query without the queue, where the entry is small and its disk local. */
export function querySync<T>(
  { reader, now }: FileContext,
  key: EntryKey,
  query: Query<T>,
): T | typeof needsQueue {
  const nowMs = now();
  const entry = reader.readSync(key);
  return entry === "needs async" ? needsQueue : query.answer(liveAt(nowMs, entry), nowMs);
}

export const needsQueue: unique symbol = Symbol("needs the queue");

/** Returns the work of a call that answers a query. */
export function querying<T>(
  context: FileContext,
  key: EntryKey,
  query: Query<T>,
  isKnownLarge: boolean,
): (call: Call) => Answer<T> {
  return (call) => run(answerQuery(context, key, query, isKnownLarge, call), call);
}

function* answerQuery<T>(
  { directory, reader, now }: FileContext,
  key: EntryKey,
  query: Query<T>,
  isKnownLarge: boolean,
  call: Call,
): Gensync<T> {
  const nowMs = now();
  if (directory.isClosed) throw storeClosed();
  if (!directory.isOpen) yield* directory.open();
  const entry = isKnownLarge
    ? yield* reader.readAsync(key, query.reads, call)
    : yield* reader.read(key, query.reads, call);
  return query.answer(liveAt(nowMs, entry), nowMs);
}
