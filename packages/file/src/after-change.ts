import { isFileError, perhapsNotDurable } from "./errors.ts";
import type { Io } from "./io.ts";

/** Work on what is changed already: where the disk fails, the change is there, and perhaps not for good. */
export function* afterChange<T>(path: string, work: Io<T>): Io<T> {
  try {
    return yield* work;
  } catch (error) {
    if (isFileError(error)) throw perhapsNotDurable(path, error);
    throw error;
  }
}
