/** Expects that a call rejects with a `StoreError` of one of these codes. */
export async function expectCode(call: Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  const error = await call.then(
    (answer) => {
      throw new Error(`It resolved, with ${String(answer)}, in place of ${codes.join(" or ")}.`);
    },
    (reason: unknown) => reason,
  );
  const code = codeOf(error);
  if (code === undefined) throw error;
  if (!codes.includes(code)) throw new Error(`${code} in place of ${codes.join(" or ")}`, { cause: error });
}

/** The outcome of a call: its answer, or one of these codes. */
export async function outcomeOf<T, C extends string>(
  call: Promise<T>,
  ...codes: readonly C[]
): Promise<T | C> {
  try {
    return await call;
  } catch (error) {
    const code = codes.find((each) => each === codeOf(error));
    if (code === undefined) throw error;
    return code;
  }
}

/** The code of a `StoreError`, told by its form, so that the tests of core can use this too. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && error.name === "StoreError" && "code" in error
    ? String(error.code)
    : undefined;
}
