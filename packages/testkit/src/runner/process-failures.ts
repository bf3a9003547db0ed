import { guarded } from "@kv/core/driver";

type Event = "unhandledRejection" | "uncaughtException";

/** A runtime, as far as it is like Node. */
interface NodeLike {
  readonly process?: {
    on(event: Event, listener: (error: unknown) => void): void;
    off(event: Event, listener: (error: unknown) => void): void;
  };
}

/** Failures that nobody handles and that would end the process, gathered for as long as they are watched. */
export class ProcessFailures {
  readonly #failures: { readonly error: unknown }[] = [];
  readonly #gather = guarded((error: unknown) => {
    this.#failures.push({ error });
  });

  /** Returns the first failure since the last time, if there was any. */
  take(): { readonly error: unknown } | undefined {
    return this.#failures.splice(0)[0];
  }

  /** Does `work`, and gathers the failures in the meantime, in place of the process's own handling. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const { process } = globalThis as NodeLike;
    const events: readonly Event[] = ["unhandledRejection", "uncaughtException"];
    for (const event of events) process?.on(event, this.#gather);
    try {
      return await work();
    } finally {
      for (const event of events) process?.off(event, this.#gather);
    }
  }
}
