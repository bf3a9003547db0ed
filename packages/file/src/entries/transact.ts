import { type Answer, time, yieldToEventLoop } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";
import { type Gensync, run } from "../disk/gensync.ts";
import { abortedRepeatedly, durabilityUnknown, isFileError, storeClosed } from "../errors/errors.ts";
import type { EntryFile } from "../format/layout.ts";
import type { FileContext } from "./context.ts";
import { isStale, Transaction, TransactionAborted, type Work } from "./transaction.ts";

/** Returns the work of a call that changes an entry. */
export function transacting<T>(
  context: FileContext,
  file: EntryFile,
  work: Work<T>,
): (call: Call) => Answer<T> {
  const { directory } = context;
  return (call) => {
    if (directory.isClosed) throw storeClosed();
    const transacted = transact(context, file, call, work);
    return run(directory.isOpen ? transacted : directory.opened(transacted), call);
  };
}

/** Changes an entry, and tries again where the transaction was aborted. See PROTOCOL.md. */
export function* transact<T>(context: FileContext, file: EntryFile, call: Call, work: Work<T>): Gensync<T> {
  const { untilMs, timeoutMs } = call.deadline; // it is extended with each chunk, also of what is written again
  for (let attempts = 1; ; attempts += 1) {
    call.throwIfAbandoned();
    const transaction = new Transaction(context, file, call);
    try {
      return yield* work.run(transaction);
    } catch (error) {
      if (transaction.isApplied) throw isFileError(error) ? durabilityUnknown(file.path, error) : error;
      const wasAborted = error instanceof TransactionAborted || isStale(error);
      if (!wasAborted) throw error;
      if (context.directory.isClosed) throw storeClosed();
      if (attempts > 1 && time.monotonicMs() >= untilMs) throw abortedRepeatedly(timeoutMs, error);
      call.rollBack();
      yield* transaction.invalidate();
      yield yieldToEventLoop();
    } finally {
      yield* transaction.end();
    }
  }
}
