// Checks of options that the three kinds of middleware share.

/** Checks an option that has no default, or one of few values. */
export function checkChoice<C extends string>(choice: C, choices: readonly C[], option: string): C {
  if (choices.includes(choice)) return choice;
  const allowed = choices.map((one) => JSON.stringify(one)).join(" or ");
  throw new TypeError(`${option} must be ${allowed}, not ${JSON.stringify(choice)}: only you can choose.`);
}

/** Checks that an option is a function. */
export function checkFunction(value: unknown, option: string): void {
  if (typeof value !== "function") throw new TypeError(`${option} must be a function, not ${typeof value}.`);
}

/** Checks that an option is a whole number of at least `min`. */
export function checkWholeNumber(value: number, min: number, option: string): number {
  if (typeof value !== "number") throw new TypeError(`${option} must be a number, not ${typeof value}.`);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new RangeError(`${option} must be a whole number of at least ${min}, not ${value}.`);
}
