import type { Answer } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";

/**
 * A piece of work that may have to wait: it yields promises, and receives what they settle with. Work that meets no
 * promise is done when `run` returns, so each step of the protocol is written once, and runs synchronously on small
 * files and asynchronously on all else. Babel calls the pattern gensync.
 */
export type Gensync<T> = Generator<Promise<unknown>, T, unknown>;

/** Does the work, synchronously as far as it can, and notes on the call each reply that it waited for. */
export function run<T>(work: Gensync<T>, call?: Call): Answer<T> {
  const first = work.next();
  return first.done === true ? first.value : resume(work, first.value, call);
}

/** Waits for an answer within a piece of work: `const n = yield* wait(fileSystem.read(...))`. */
export function* wait<T>(answer: Answer<T>): Gensync<T> {
  return answer instanceof Promise ? ((yield answer) as T) : answer;
}

/** Does work once that several calls need: those that come meanwhile wait, then look in the cache again, or do it. */
export function* computeOnce<T>(
  inFlight: Map<string, Promise<void>>,
  name: string,
  cached: () => T | undefined,
  work: () => Gensync<T>,
): Gensync<T> {
  for (;;) {
    const value = cached();
    if (value !== undefined) return value;
    const other = inFlight.get(name);
    if (other === undefined) break;
    yield other;
  }
  const answer = run(work());
  if (!(answer instanceof Promise)) return answer;
  const done = (): void => void inFlight.delete(name);
  inFlight.set(name, answer.then(done, done));
  return yield* wait(answer);
}

async function resume<T>(work: Gensync<T>, first: Promise<unknown>, call: Call | undefined): Promise<T> {
  for (let awaited = first; ; ) {
    let next: IteratorResult<Promise<unknown>, T>;
    let settled: { readonly value: unknown } | { readonly error: unknown };
    try {
      settled = { value: await awaited };
    } catch (error) {
      settled = { error };
    }
    call?.noteReply();
    if ("error" in settled) next = work.throw(settled.error);
    else next = work.next(settled.value);
    if (next.done === true) return next.value;
    awaited = next.value;
  }
}
