import type { KeyCall } from "./key-call.ts";
import { applyKeyCall, type KeyState } from "./key-model.ts";
import { type CallAnswer, keyCallsOf, type StoreCall, toldNoTime } from "./store-call.ts";

/** A path below the store under test. */
export type ModelPath = readonly string[];

/** A whole store as the contract has it: a map with a clock. */
export class StoreModel {
  nowMs = 0;
  readonly #entries = new Map<string, { path: ModelPath; key: string; state: KeyState }>();

  /** Applies a call, and returns its answer. */
  apply(path: ModelPath, call: StoreCall): CallAnswer {
    if (call.kind === "deleteAll") return this.#deleteAll(path);
    const answers = keyCallsOf(call).map((each) => this.#applyToKey(path, each));
    switch (call.kind) {
      case "getMany":
        return toldNoTime(answers.map(({ answer }) => answer as string | undefined));
      case "setMany":
        return toldNoTime(undefined);
      case "deleteMany":
        return toldNoTime(answers.filter(({ answer }) => answer === true).length);
      default:
        return answers[0] as CallAnswer;
    }
  }

  /** The keys of a path, each with its value. */
  entries(path: ModelPath): Map<string, string> {
    const own = this.#live().filter(
      (entry) => entry.path.length === path.length && isBelow(entry.path, path),
    );
    return new Map(own.map(({ key, value }) => [key, value]));
  }

  namespaces(path: ModelPath): string[] {
    const names = this.#live()
      .filter((entry) => entry.path.length > path.length && isBelow(entry.path, path))
      .map((entry) => entry.path[path.length] as string);
    return [...new Set(names)];
  }

  #applyToKey(path: ModelPath, call: KeyCall): CallAnswer {
    const id = JSON.stringify([path, call.key]);
    const { state, answer } = applyKeyCall(this.#entries.get(id)?.state, call, this.nowMs);
    this.#entries.set(id, { path, key: call.key, state });
    return answer;
  }

  #deleteAll(path: ModelPath): CallAnswer {
    for (const [id, entry] of this.#entries) {
      if (isBelow(entry.path, path)) this.#entries.delete(id);
    }
    return toldNoTime(undefined);
  }

  #live(): { path: ModelPath; key: string; value: string }[] {
    return [...this.#entries.values()].flatMap(({ path, key, state }) =>
      state !== undefined && state.expiresAtMs > this.nowMs ? [{ path, key, value: state.value }] : [],
    );
  }
}

function isBelow(path: ModelPath, top: ModelPath): boolean {
  return top.every((name, at) => path[at] === name);
}
