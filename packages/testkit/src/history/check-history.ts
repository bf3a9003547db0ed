import type { KeyCall } from "../model/key-call.ts";
import { applyKeyCall, type KeyState } from "../model/key-model.ts";
import { type CallAnswer, notAnInteger } from "../model/store-call.ts";
import type { HistoryEntry } from "./history-entry.ts";
import { type KeyOperation, splitByKey } from "./key-operations.ts";

/** The result of checking a history. */
export interface HistoryCheck {
  /** `"undecided"`: the check gave up. That is no pass. */
  readonly verdict: "linearizable" | "not linearizable" | "undecided";
  /** The key whose calls no order explains, or the first at which the check gave up. */
  readonly key: string | undefined;
}

/** The options of `checkHistory`. */
export interface CheckHistoryOptions {
  /** The most steps of the search. Each takes a few microseconds, and some hundred bytes. Default: 1,000,000. */
  readonly maxSteps?: number | undefined;
}

/**
 * Tells whether the calls on each key can have taken effect one after another, each at a moment while it was in flight
 * and those of a caller in the order in which they were made, so that every answer is right. The history is one of a
 * namespace that was empty at first, with all calls that have changed it, and lasts less long than any of its entries lives:
 * else it is undecided. An expiry shows by the time left: up to what was asked for, and less by what has passed at most.
 *
 * @example
 * ```ts
 * import { checkHistory, type HistoryEntry } from "@kv/testkit";
 *
 * const history: HistoryEntry[] = [
 *   {
 *     caller: 0,
 *     call: { kind: "set", key: "a", value: "1", expiry: 3_600_000 },
 *     outcome: { answer: undefined, leftMs: undefined },
 *     startedAt: 0,
 *     endedAt: 2,
 *   },
 *   {
 *     caller: 1,
 *     call: { kind: "expiresIn", key: "a" },
 *     outcome: { answer: true, leftMs: Infinity },
 *     startedAt: 3,
 *     endedAt: 4,
 *   },
 * ];
 * console.log(checkHistory(history)); // { verdict: "not linearizable", key: "a" }
 * ```
 */
export function checkHistory(
  history: readonly HistoryEntry[],
  { maxSteps = 1_000_000 }: CheckHistoryOptions = {},
): HistoryCheck {
  return checkWithAnyExpiry(history, new Set(), maxSteps);
}

/** The same, where calls of these kinds may leave any expiry, in the same step or in a second one. */
export function checkWithAnyExpiry(
  history: readonly HistoryEntry[],
  anyExpiryAfter: ReadonlySet<string>,
  maxSteps: number,
): HistoryCheck {
  const begin = earliest(history.map(({ startedAt }) => startedAt));
  let stepsLeft = maxSteps;
  let undecided: string | undefined;
  for (const [key, operations] of splitByKey(history)) {
    if (hasExpired(operations, begin)) {
      undecided ??= key;
      continue;
    }
    // No key takes all the steps, so that what is wrong with a later one is still found.
    const search = new KeySearch(operations, begin, anyExpiryAfter);
    const verdict = search.run(Math.ceil(stepsLeft / 2));
    stepsLeft -= search.steps;
    if (verdict === "not linearizable") return { verdict, key };
    if (verdict === "undecided") undecided ??= key;
  }
  return undecided === undefined
    ? { verdict: "linearizable", key: undefined }
    : { verdict: "undecided", key: undecided };
}

/** So many calls of each caller have taken effect, and of the optional ones these, in rising order; this is left. */
interface Position {
  readonly done: readonly number[];
  readonly taken: readonly number[];
  readonly state: KeyState;
}

/**
 * A search after Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), which remembers where it has been, after
 * Lowe, "Testing for linearizability" (2017). Where it has been is short to say, since the calls of a caller are in order.
 * A read, and any call that says that it has changed nothing, is taken as soon as its answer is right: to have it out of the
 * way rules nothing out.
 */
class KeySearch {
  steps = 0;
  /** The calls of each caller that have taken effect for certain, in their order. */
  readonly #callers: readonly (readonly KeyOperation[])[];
  /** For each of these the earliest end of it and the later ones. */
  readonly #firstEnds: readonly (readonly number[])[];
  readonly #optional: readonly KeyOperation[];
  readonly #begin: number;
  readonly #anyExpiryAfter: ReadonlySet<string>;

  constructor(operations: readonly KeyOperation[], begin: number, anyExpiryAfter: ReadonlySet<string>) {
    const secondSteps = operations
      .filter(({ call }) => anyExpiryAfter.has(call.kind))
      .map((operation): KeyOperation => {
        const call: KeyCall = { kind: "touch", key: operation.call.key, renewForMs: Number.NaN };
        return { ...operation, call, answer: undefined, isOptional: true };
      });
    const sorted = [...operations, ...secondSteps].toSorted((one, two) => one.startedAt - two.startedAt);
    const callers = new Map<number, KeyOperation[]>();
    for (const operation of sorted) {
      if (operation.isOptional) continue;
      const own = callers.get(operation.caller);
      if (own === undefined) callers.set(operation.caller, [operation]);
      else own.push(operation);
    }
    this.#callers = [...callers.values()];
    this.#firstEnds = this.#callers.map((own) => {
      const ends = own.map(({ endedAt }) => endedAt);
      for (let at = ends.length - 2; at >= 0; at -= 1)
        ends[at] = Math.min(ends[at] as number, ends[at + 1] as number);
      return ends;
    });
    this.#optional = sorted.filter(({ isOptional }) => isOptional);
    this.#begin = begin;
    this.#anyExpiryAfter = anyExpiryAfter;
  }

  run(maxSteps: number): HistoryCheck["verdict"] {
    const seen = new Set<string>();
    const open: Position[] = [{ done: this.#callers.map(() => 0), taken: [], state: undefined }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (this.steps >= maxSteps) return "undecided";
      this.steps += 1;
      const position = this.#passReads(next);
      if (position.done.every((count, caller) => count === this.#callers[caller]?.length)) {
        return "linearizable";
      }
      const { done, taken, state } = position;
      const id = `${done.join()} ${taken.join()} ${state?.expiresAtMs} ${state?.value}`;
      if (seen.has(id)) continue;
      seen.add(id);
      open.push(...this.#withOptional(position), ...this.#withRequired(position));
    }
    return "not linearizable";
  }

  /** The same position, after all calls that can come next and have no effect in any state. */
  #passReads({ done: before, taken, state }: Position): Position {
    const done = [...before];
    for (let hasMoved = true; hasMoved; ) {
      hasMoved = false;
      const firstEnd = this.#firstEnd(done);
      for (let caller = 0; caller < done.length; caller += 1) {
        const operation = this.#callers[caller]?.[done[caller] as number];
        if (operation === undefined || operation.startedAt > firstEnd) continue;
        if (!hasNoEffect(operation) || this.#apply(state, operation) === wrong) continue;
        done[caller] = (done[caller] as number) + 1;
        hasMoved = true;
      }
    }
    return { done, taken, state };
  }

  #withRequired({ done, taken, state }: Position): Position[] {
    const firstEnd = this.#firstEnd(done);
    return this.#callers.flatMap((own, caller) => {
      const operation = own[done[caller] as number];
      // A call that began after another had ended cannot have taken effect before it.
      if (operation === undefined || operation.startedAt > firstEnd) return [];
      const after = this.#apply(state, operation);
      if (after === wrong) return [];
      return [
        {
          done: done.map((count, at) => (at === caller ? count + 1 : count)),
          taken,
          state: after,
        },
      ];
    });
  }

  #withOptional({ done, taken, state }: Position): Position[] {
    if (taken.length === this.#optional.length) return [];
    const firstEnd = this.#firstEnd(done);
    const lastStart = this.#lastStart(done, taken);
    const alike = new Set<string>();
    return this.#optional.flatMap((operation, at) => {
      if (operation.startedAt > firstEnd || operation.endedAt < lastStart || taken.includes(at)) return [];
      // Of calls that do the same the first will do.
      const id = `${operation.endedAt} ${JSON.stringify(operation.call)}`;
      if (alike.has(id)) return [];
      alike.add(id);
      const after = this.#apply(state, operation);
      if (after === wrong || isSameState(after, state)) return [];
      return [{ done, taken: [...taken, at].toSorted((one, two) => one - two), state: after }];
    });
  }

  /** The earliest end of all calls that are still to take effect. */
  #firstEnd(done: readonly number[]): number {
    let first = Number.POSITIVE_INFINITY;
    for (let caller = 0; caller < done.length; caller += 1) {
      first = Math.min(first, this.#firstEnds[caller]?.[done[caller] as number] ?? first);
    }
    return first;
  }

  /** The latest start of all calls that have taken effect. */
  #lastStart(done: readonly number[], taken: readonly number[]): number {
    const starts = done.map((count, caller) => this.#callers[caller]?.[count - 1]?.startedAt);
    return [...starts, ...taken.map((at) => this.#optional[at]?.startedAt)].reduce<number>(
      (last, start) => Math.max(last, start ?? last),
      Number.NEGATIVE_INFINITY,
    );
  }

  /** What the call leaves, where its answer is right. Expiry is kept as the life that was asked for: no time passes. */
  #apply(state: KeyState, { call, answer, endedAt }: KeyOperation): KeyState | typeof wrong {
    const after = applyKeyCall(state, call, 0);
    if (answer !== undefined && !this.#isRight(answer, after.answer, endedAt)) return wrong;
    const isAnyExpiry =
      this.#anyExpiryAfter.has(call.kind) || (call.kind === "touch" && Number.isNaN(call.renewForMs));
    return after.state !== undefined && isAnyExpiry
      ? { ...after.state, expiresAtMs: Number.NaN }
      : after.state;
  }

  #isRight(got: CallAnswer, expected: CallAnswer, endedAt: number): boolean {
    if (!Object.is(got.answer, expected.answer)) return false;
    const { leftMs } = got;
    const lifeMs = expected.leftMs;
    if (leftMs === undefined || leftMs === lifeMs) return true;
    if (lifeMs === undefined) return false;
    if (Number.isNaN(lifeMs)) return true;
    return leftMs <= lifeMs + slackMs && leftMs >= lifeMs - (endedAt - this.#begin) - slackMs;
  }
}

const wrong = Symbol("wrong");

/** Tells whether a call with this answer has changed nothing, whatever was there. */
function hasNoEffect({ call, answer }: KeyOperation): boolean {
  switch (call.kind) {
    case "get":
    case "exists":
    case "expiresIn":
      return true;
    case "set":
      return false;
    case "take":
    case "getAndRenew":
      return answer !== undefined && answer.answer === undefined;
    default:
      return answer?.answer === false || answer?.answer === notAnInteger;
  }
}

/** Lives are hours apart; a clock may be coarse. */
const slackMs = 1_000;

function isSameState(one: KeyState, two: KeyState): boolean {
  return one?.value === two?.value && Object.is(one?.expiresAtMs, two?.expiresAtMs);
}

/** Tells whether an entry may have expired before the last call has ended. */
function hasExpired(operations: readonly KeyOperation[], begin: number): boolean {
  let shortestMs = Number.POSITIVE_INFINITY;
  let end = begin;
  for (const { call, startedAt, isOptional, endedAt } of operations) {
    const life = "renewForMs" in call ? call.renewForMs : "expiry" in call ? call.expiry : undefined;
    if (typeof life === "number") shortestMs = Math.min(shortestMs, life);
    end = Math.max(end, isOptional ? startedAt : endedAt);
  }
  return shortestMs <= end - begin;
}

function earliest(moments: readonly number[]): number {
  return moments.reduce((first, moment) => Math.min(first, moment), Number.POSITIVE_INFINITY);
}
