/** An answer given synchronously, or a native promise of one. */
export type Answer<T> = T | Promise<T>;

/** Goes on with an answer, synchronously where it was given so. */
export function after<A, B>(answer: Answer<A>, next: (value: A) => Answer<B>): Answer<B> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

/** Collects answers, synchronously where all were given so. */
export function allOf<T>(answers: readonly Answer<T>[]): Answer<T[]> {
  return answers.some((answer) => answer instanceof Promise) ? Promise.all(answers) : (answers as T[]);
}
