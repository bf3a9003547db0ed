import type { Answer } from "@kv/core/driver";

/**
 * A piece of work that may have to wait: it yields promises, and is given what they settle with. Work that meets no
 * promise is done when `run` returns: so each step of the protocol is written once, and runs synchronously on small
 * files and asynchronously on all else.
 */
export type Io<T> = Generator<Promise<unknown>, T, unknown>;

/** Does the work, at once as far as it can. */
export function run<T>(work: Io<T>): Answer<T> {
  const first = work.next();
  return first.done === true ? first.value : goOn(work, first.value);
}

/** The answer of a call within a piece of work: `const n = yield* answered(files.read(...))`. */
export function* answered<T>(answer: Answer<T>): Io<T> {
  return answer instanceof Promise ? ((yield answer) as T) : answer;
}

async function goOn<T>(work: Io<T>, first: Promise<unknown>): Promise<T> {
  for (let waitingFor = first; ; ) {
    let next: IteratorResult<Promise<unknown>, T>;
    let settled: { readonly value: unknown } | { readonly error: unknown };
    try {
      settled = { value: await waitingFor };
    } catch (error) {
      settled = { error };
    }
    if ("error" in settled) next = work.throw(settled.error);
    else next = work.next(settled.value);
    if (next.done === true) return next.value;
    waitingFor = next.value;
  }
}
