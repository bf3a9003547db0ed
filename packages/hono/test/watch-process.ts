import { setImmediate } from "node:timers/promises";

/** What became of work that nobody awaited, since the watch began. */
export interface ProcessWatch extends Disposable {
  /** The codes of the warnings of the process. */
  warnings(): Promise<unknown[]>;
  /** What would have ended the process. */
  readonly fatal: unknown[];
}

export function watchProcess(): ProcessWatch {
  const warned: unknown[] = [];
  const fatal: unknown[] = [];
  const onWarning = (warning: Error & { code?: string }): void => void warned.push(warning.code);
  const onFatal = (error: unknown): void => void fatal.push(error);
  process.on("warning", onWarning).on("unhandledRejection", onFatal).on("uncaughtExceptionMonitor", onFatal);
  return {
    fatal,
    async warnings() {
      await setImmediate(); // they are told in a later tick
      return warned;
    },
    [Symbol.dispose]() {
      process
        .off("warning", onWarning)
        .off("unhandledRejection", onFatal)
        .off("uncaughtExceptionMonitor", onFatal);
    },
  };
}
