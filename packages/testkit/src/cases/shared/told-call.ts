import type { FullStore } from "@kv/core";
import type { CaseContext } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { expectSame, expectTrue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { addEntry, type Call } from "./all-calls.ts";
import { expectFailure, wasNotDone } from "./failure.ts";

/** One call that was made, and what was told of it. */
export class ToldCall {
  readonly at: number;
  readonly method: string;
  readonly #call: Call;
  readonly #key: string;
  #outcome: "done" | "not done" | "unknown" = "unknown";
  #told = "";
  #seen: number | undefined;
  #rejected: PromiseRejectedResult | undefined;
  #wrong: { readonly error: unknown } | undefined;

  constructor(call: Call, method: string, at: number) {
    this.#call = call;
    this.method = method;
    this.#key = `${method} ${at};`; // no key begins like another
    this.at = at;
  }

  get outcome(): "done" | "not done" | "unknown" {
    return this.#outcome;
  }

  /** Lays down what the call finds. */
  async prepare(store: FullStore): Promise<void> {
    await (this.#call.before ?? addEntry)(store, this.#key);
  }

  /**
   * Makes the call. Never rejects: a wrong answer, or a failure in a way in which no call may fail, is told by the first look.
   *
   * @param patient Makes a call that counts again, immediately, where it was rejected as not done. Default: nobody does.
   */
  async make(store: FullStore, patient?: FullStore): Promise<void> {
    try {
      await this.#settle(store, patient);
    } catch (error) {
      this.#wrong = { error };
    }
  }

  async #settle(store: FullStore, patient: FullStore | undefined): Promise<void> {
    const [settled] = await Promise.allSettled([this.#call.call(store, this.#key)]);
    if (settled.status === "fulfilled") {
      this.#outcome = "done";
      this.#told = "that was not rejected";
      expectSame(inspect(settled.value), inspect(this.#call.answer), `the answer of ${this.method}`);
      return;
    }
    this.#rejected = settled;
    const error = await expectFailure(() => Promise.reject(settled.reason), this.method);
    this.#told = `that was rejected with ${error.code}`;
    if (!wasNotDone(error)) return;
    if (this.#call.counts === true && patient !== undefined) {
      await this.#call.call(patient, this.#key);
      this.#outcome = "done";
      this.#told += " and made again";
    } else this.#outcome = "not done";
  }

  /** Expects that the call was carried out, and that its answer is right. */
  expectDone(): void {
    const rejected = this.#rejected;
    if (rejected !== undefined)
      throw new ExpectationError(`${this.method}: an answer`, inspect(rejected.reason), {
        cause: rejected.reason,
      });
    if (this.#wrong !== undefined) throw this.#wrong.error;
  }

  /** Expects that the call was rejected, in a way in which a call may. */
  expectRejected(): void {
    if (this.#wrong !== undefined) throw this.#wrong.error;
    expectTrue(this.#outcome !== "done", `${this.method}: a rejection`, "an answer");
  }

  /** Holds what is there against what was told, and against what was there at the last look. */
  async look(store: FullStore): Promise<void> {
    if (this.#wrong !== undefined) throw this.#wrong.error;
    const { keys = 1, inParts = false, done } = this.#call;
    const count = await done(store, this.#key);
    const what = `on how many keys ${this.method} is done ${this.#told}`;
    if (this.#outcome === "done") expectSame(count, keys, what);
    else if (this.#outcome === "unknown") {
      // It may take effect at any time, or never; what has taken effect stays.
      const least = this.#seen ?? 0;
      expectTrue(
        count >= least && count <= keys,
        `${what}: at least ${least}, at most ${keys}`,
        String(count),
      );
    } else if (!inParts) expectSame(count, 0, what);
    else if (this.#seen === undefined) expectTrue(count < keys, `${what}: fewer than ${keys}`, String(count));
    else expectSame(count, this.#seen, `${what}, later`);
    this.#seen = count;
  }
}

/** Looks at all of them, now and again a while later: what waits in a queue comes late. */
export async function lookTwice(
  told: readonly ToldCall[],
  store: FullStore,
  { clock }: Pick<CaseContext, "clock">,
): Promise<void> {
  await Promise.all(told.map((each) => each.look(store)));
  await clock.sleep(100);
  await Promise.all(told.map((each) => each.look(store)));
}

/** So many of each of these calls, each on a key of its own. */
export function toldCalls(
  calls: readonly (readonly [method: string, call: Call])[],
  count: number,
): ToldCall[] {
  return Array.from({ length: count }, (_, at) =>
    calls.map(([method, call]) => new ToldCall(call, method, at)),
  ).flat();
}
