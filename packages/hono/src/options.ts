// What the three kinds of middleware ask of their options, said in one place.

export function checkChoice<C extends string>(choice: C, choices: readonly C[], option: string): C {
  if (choices.includes(choice)) return choice;
  const named = choices.map((one) => JSON.stringify(one)).join(" or ");
  throw new TypeError(`${option} must be ${named}, not ${JSON.stringify(choice)}: only you can choose.`);
}

export function checkFunction(value: unknown, option: string): void {
  if (typeof value !== "function") throw new TypeError(`${option} must be a function, not ${typeof value}.`);
}

export function checkWholeNumber(value: number, atLeast: number, option: string): number {
  if (typeof value !== "number") throw new TypeError(`${option} must be a number, not ${typeof value}.`);
  if (Number.isSafeInteger(value) && value >= atLeast) return value;
  throw new RangeError(`${option} must be a whole number of at least ${atLeast}, not ${value}.`);
}
