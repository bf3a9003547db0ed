import { type Sample, type Subject, sampleOf } from "./subject.ts";
import { type Call, calling, preparing, type Work } from "./work.ts";

export type OperationName =
  | "get hit"
  | "get miss"
  | "set"
  | "set with TTL"
  | "renew"
  | "touch"
  | "increment"
  | "rate limit check"
  | "getMany 100"
  | "setMany 100"
  | "deleteAll 1000";

export type Size = "100 B" | "10 KiB" | "1 MiB";

/** A line of a table. */
export interface Case {
  readonly operation: OperationName;
  readonly size: Size;
  readonly concurrency: number;
}

/** The product of operations, sizes and concurrencies. */
export function cases(
  operations: readonly OperationName[],
  sizes: readonly Size[],
  concurrencies: readonly number[],
): Case[] {
  return operations.flatMap((operation) =>
    sizes.flatMap((size) => concurrencies.map((concurrency) => ({ operation, size, concurrency }))),
  );
}

/** Prepares a subject for a case; `undefined` where it cannot do the operation. */
export async function workFor(
  subject: Subject,
  { operation, size, concurrency }: Case,
  sliceMs: number,
): Promise<Work | undefined> {
  const { length, count } = sizes[size];
  const value = sampleOf(length);
  const keys = Array.from({ length: count }, (_, at) => `user:${at}`);
  const keyAt = (at: number): string => keys[at % count] as string;
  if (operation === "deleteAll 1000") {
    const { deleteAll } = subject;
    if (deleteAll === undefined) return undefined;
    return preparing(() => fill(subject, thousand, value), deleteAll);
  }
  const call = callOf(subject, operation, value, keyAt);
  if (call === undefined) return undefined;
  if (operation === "renew" || operation === "touch") {
    for (const key of keys) await subject.setWithTtl?.(key, value);
  } else if (operation === "increment" || operation === "rate limit check") await subject.deleteAll?.();
  else await fill(subject, keys, value);
  return calling(call, concurrency, sliceMs);
}

const sizes: Readonly<Record<Size, { readonly length: number; readonly count: number }>> = {
  "100 B": { length: 100, count: 1_000 },
  "10 KiB": { length: 10 * 1_024, count: 300 },
  "1 MiB": { length: 1_024 * 1_024, count: 8 },
};

const thousand = Array.from({ length: 1_000 }, (_, at) => `many:${at}`);
const hundreds = Array.from({ length: 10 }, (_, page) =>
  Array.from({ length: 100 }, (__, at) => `user:${page * 100 + at}`),
);

function callOf(
  subject: Subject,
  operation: Exclude<OperationName, "deleteAll 1000">,
  value: Sample,
  keyAt: (at: number) => string,
): Call | undefined {
  const { setWithTtl, renew, touch, increment, check, getMany, setMany } = subject;
  const { get, set } = subject;
  switch (operation) {
    case "get hit":
      return get && ((at) => get(keyAt(at)));
    case "get miss": {
      const missing = Array.from({ length: 1_000 }, (_, at) => `nobody:${at}`);
      return get && ((at) => get(missing[at % 1_000] as string));
    }
    case "set":
      return set && ((at) => set(keyAt(at), value));
    case "set with TTL":
      return setWithTtl && ((at) => setWithTtl(keyAt(at), value));
    case "renew":
      return renew && ((at) => renew(keyAt(at)));
    case "touch":
      return touch && ((at) => touch(keyAt(at)));
    case "increment":
      return increment && ((at) => increment(`count:${at % 100}`));
    case "rate limit check":
      return check && ((at) => check(keyAt(at)));
    case "getMany 100":
      return getMany && ((at) => getMany(hundreds[at % 10] as string[]));
    case "setMany 100": {
      const entries = hundreds.map((page) => page.map((key) => [key, value] as const));
      return setMany && ((at) => setMany(entries[at % 10] as (readonly [string, Sample])[]));
    }
    default:
      throw new Error(`There is no operation ${String(operation satisfies never)}.`);
  }
}

async function fill(subject: Subject, keys: readonly string[], value: Sample): Promise<void> {
  for (let from = 0; from < keys.length; from += 50) {
    await Promise.all(keys.slice(from, from + 50).map(async (key) => subject.set?.(key, value)));
  }
}
