import type { FullStore, NamespacedStore, Store } from "@kv/core";
import { inBackground } from "@kv/core/driver";
import { inspect } from "../support/inspect.ts";
import type { CallRecorder } from "./call-recorder.ts";

/** Returns the same store, which writes down its calls. It passes on what it is given and what it gets as they are. */
export function recordCalls(store: Store, recorder: CallRecorder, label: string): FullStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name === "withNamespace") {
        // Not written down: the label of the child says where it is.
        return (child: string) =>
          recordCalls(
            (target as NamespacedStore).withNamespace(child),
            recorder,
            `${label}/${inspect(child)}`,
          );
      }
      return (...args: unknown[]) => {
        const complete = recorder.call(`${label}.${String(name)}(${args.map(inspect).join(", ")})`);
        const settled = recorder.step();
        const answered = (text: string): void => {
          settled();
          complete(text);
        };
        let answer: unknown;
        try {
          answer = Reflect.apply(member, target, args);
        } catch (error) {
          answered(`throws ${inspect(error)}`);
          throw error;
        }
        if (answer instanceof Promise) return recordSettling(answer, answered);
        settled(); // a listing's steps are calls of their own
        return isListing(answer) ? recordListing(answer, recorder, complete) : answer;
      };
    },
  }) as FullStore;
}

/** Writes down how a promise settles. One that nobody awaits is handled thereby. */
function recordSettling<T>(promise: Promise<T>, answered: (answer: string) => void): Promise<T> {
  const settled = promise.then(
    (value) => answered(inspect(value)),
    (error: unknown) => answered(`rejects with ${inspect(error)}`),
  );
  inBackground(() => settled);
  return promise;
}

function isListing(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer;
}

/** Writes down how many items a listing gives, and how it ends. */
function recordListing(
  listing: AsyncIterable<unknown>,
  recorder: CallRecorder,
  complete: (answer: string) => void,
): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = listing[Symbol.asyncIterator]();
      let count = 0;

      function record(next: Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
        const settled = recorder.step();
        const recorded = next.then(
          ({ done }) => {
            settled();
            if (done !== true) count += 1;
            complete(`${count} items${done === true ? "" : ", so far"}`);
          },
          (error: unknown) => {
            settled();
            complete(`${count} items, then rejects with ${inspect(error)}`);
          },
        );
        inBackground(() => recorded);
        return next;
      }

      return {
        next: () => record(iterator.next()),
        return: async (value?: unknown) => (await iterator.return?.(value)) ?? { done: true, value },
      };
    },
  };
}
