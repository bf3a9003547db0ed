import type { FullStore, NamespacedStore, Store } from "@kv/core";
import { inBackground } from "@kv/core/driver";
import { inspect } from "../support/inspect.ts";

const mostLines = 40;

/** The calls of one case, in the order in which they were made, for the message of a failure. */
export class CallRecord {
  readonly #lines: { text: string }[] = [];
  #dropped = 0;

  /** Writes down a line, and gives a function that completes it. */
  add(text: string): (answer: string) => void {
    const line = { text };
    this.#lines.push(line);
    if (this.#lines.length > mostLines) {
      this.#lines.shift();
      this.#dropped += 1;
    }
    return (answer) => {
      line.text = `${text} → ${answer}`;
    };
  }

  clear(): void {
    this.#lines.length = 0;
    this.#dropped = 0;
  }

  lines(): string[] {
    const lines = this.#lines.map(({ text }) => text);
    return this.#dropped === 0 ? lines : [`(${this.#dropped} earlier calls)`, ...lines];
  }
}

/** The same store, which writes down its calls. It passes on what it is given and what it gets as they are. */
export function recordCalls(store: Store, record: CallRecord, label: string): FullStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name === "withNamespace") {
        // Not written down: the label of the child says where it is.
        return (child: string) =>
          recordCalls((target as NamespacedStore).withNamespace(child), record, `${label}/${inspect(child)}`);
      }
      return (...args: unknown[]) => {
        const answered = record.add(`${label}.${String(name)}(${args.map(inspect).join(", ")})`);
        let answer: unknown;
        try {
          answer = Reflect.apply(member, target, args);
        } catch (error) {
          answered(`throws ${inspect(error)}`);
          throw error;
        }
        if (answer instanceof Promise) {
          const settled = answer.then(
            (value) => answered(inspect(value)),
            (error: unknown) => answered(`rejects with ${inspect(error)}`),
          );
          inBackground(() => settled);
        }
        return answer;
      };
    },
  }) as FullStore;
}
