import { describeType } from "../errors/caller-error.ts";

// Work that nobody awaits: timers, listeners, what goes on after an answer, and callbacks of the application. It is all
// begun here, for what fails there would end the process (a rule of the linter sees to it).

/**
 * Makes a function that does `work` and neither throws nor rejects: for timers, listeners and callbacks that the
 * application passed in. What `work` throws, or rejects with, becomes a process warning of the code `KV_BACKGROUND`.
 */
export function guarded<P extends readonly unknown[]>(work: (...args: P) => unknown): (...args: P) => void {
  return (...args) => inBackground(() => work(...args));
}

/** Begins `work` now, and leaves it to itself. What it throws or rejects with becomes a process warning. */
export function inBackground(work: () => unknown): void {
  // oxlint-disable-next-line typescript/no-floating-promises -- this one never rejects
  orWarn(work);
}

/** Does `work`, and resolves when it is over. What it throws or rejects with becomes a process warning. */
export async function orWarn(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    warn(error);
  }
}

/** A runtime, as far as it is like Node. */
interface NodeLike {
  readonly process?: { emitWarning?(text: string, options: object): void };
}

function warn(failure: unknown): void {
  const error =
    failure instanceof Error ? failure : new Error(`what was thrown is ${describeType(failure)}.`);
  const text = `Work in the background failed, and the process goes on: ${error.message}`;
  const { process } = globalThis as NodeLike;
  if (typeof process?.emitWarning === "function") {
    process.emitWarning(text, { type: "KvWarning", code: "KV_BACKGROUND", detail: error.stack });
    // oxlint-disable-next-line no-console -- browsers and workers have no other place for it
  } else console.warn(text, error);
}
