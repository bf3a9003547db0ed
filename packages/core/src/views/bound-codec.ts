import type { Answer } from "../concurrency/answer.ts";
import { isCallerError } from "../errors/caller-error.ts";
import { isStoreError, StoreError } from "../errors/store-error.ts";
import { describeCallOn } from "../portable-store/namespace-id.ts";
import type { Store } from "../store/store.ts";
import type { Bytes, Value } from "../values/bytes.ts";
import type { Codec } from "../values/codec.ts";

/** A codec at work on one store: what it refuses is `KV_INVALID_VALUE`, and says where, and what to do. */
export interface BoundCodec<T> {
  /** Encodes, for an operation that the error names. */
  encode(operation: string, value: T): Answer<Value>;
  /** Decodes, for an operation that the error names. */
  decode(operation: string, stored: Bytes): Answer<T>;
}

/** Binds a codec to the store that it works on, for integrations that write their own values by a codec. */
export function boundCodec<T>(codec: Codec<T>, store: Store): BoundCodec<T> {
  const told = (operation: string, error: unknown, whatToDo: string): unknown => {
    if (isCallerError(error)) return error;
    const place = describeCallOn(operation, store);
    if (isStoreError(error)) {
      const { cause, issues } = error;
      return new StoreError(error.code, `${place}: ${error.message} ${whatToDo}`, { cause, issues });
    }
    return new StoreError("KV_INVALID_VALUE", `${place}: The codec failed; see the cause. ${whatToDo}`, {
      cause: error,
    });
  };

  return {
    encode: (operation, value) =>
      orElse(
        () => codec.encode(value),
        (error) => told(operation, error, "Nothing was written."),
      ),

    decode: (operation, stored) =>
      orElse(
        () => codec.decode(stored),
        (error) =>
          told(
            operation,
            error,
            "The entry stays as it is: read it with the codec that it was written with, or set or delete it.",
          ),
      ),
  };
}

/** An answer, with another error in the place of its own. */
function orElse<T>(ask: () => Answer<T>, told: (error: unknown) => unknown): Answer<T> {
  const rethrow = (error: unknown): never => {
    throw told(error);
  };
  try {
    const answer = ask();
    return answer instanceof Promise ? answer.catch(rethrow) : answer;
  } catch (error) {
    return rethrow(error);
  }
}
