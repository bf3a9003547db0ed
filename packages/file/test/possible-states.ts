/** What a key holds, as text that can be compared; `undefined` for nothing. */
export type KeyState = { readonly text: string; readonly expiresAtMs: number } | undefined;

/** A call as one key sees it. */
export interface KeyCall {
  /** The store that made it: calls of one store take effect in the order in which they were made. */
  readonly store: number;
  readonly begunAt: number;
  /** When it was acknowledged, `Infinity` for never. */
  doneAt: number;
  /** What it answered, for calls that answer something. */
  answer: unknown;
  readonly apply: (state: KeyState) => { readonly state: KeyState; readonly answer?: unknown };
}

export interface PossibleStates {
  /** Those in which all that was acknowledged has happened, and any of the calls that were under way. */
  readonly durable: ReadonlySet<string>;
  /** All that the key can ever have held. */
  readonly ever: ReadonlySet<string>;
}

export function shown(state: KeyState): string {
  return state === undefined ? "nothing" : `${state.text}, expires ${state.expiresAtMs}`;
}

/**
 * What a key may hold after a cut at that moment: the states after every order of its calls that explains their
 * answers and respects which was acknowledged before which was begun.
 */
export function possibleStates(calls: readonly KeyCall[], cut: number): PossibleStates {
  const begun = calls.filter(({ begunAt }) => begunAt <= cut);
  const needed = begun.map((call) => mask(begun, (other) => precedes(other, call)));
  const acknowledged = mask(begun, ({ doneAt }) => doneAt <= cut);
  const durable = new Set<string>();
  const ever = new Set<string>();
  const seen = new Set<string>();
  visit(0, undefined);
  if (durable.size === 0) throw new Error("No order of the calls explains their answers.");
  return { durable, ever };

  function visit(happened: number, state: KeyState): void {
    const text = shown(state);
    if (seen.has(`${happened} ${text}`)) return;
    seen.add(`${happened} ${text}`);
    ever.add(text);
    if ((happened & acknowledged) === acknowledged) durable.add(text);
    for (const [index, call] of begun.entries()) {
      const bit = 1 << index;
      const before = needed[index] ?? 0;
      if ((happened & bit) !== 0 || (happened & before) !== before) continue;
      const after = call.apply(state);
      if (call.doneAt <= cut && call.answer !== after.answer) continue;
      visit(happened | bit, after.state);
    }
  }
}

function precedes(other: KeyCall, call: KeyCall): boolean {
  return (other.store === call.store && other.begunAt < call.begunAt) || other.doneAt < call.begunAt;
}

function mask(calls: readonly KeyCall[], holds: (call: KeyCall) => boolean): number {
  return calls.reduce((bits, call, index) => (holds(call) ? bits | (1 << index) : bits), 0);
}
