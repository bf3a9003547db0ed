import type { FullStore } from "@kv/core";
import * as fc from "fast-check";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { type KeyAnswer, makeKeyCall, setOptions, textOf } from "../../model/key-call.ts";
import { type ModelBurst, type ModelStep, modelBursts, modelKeys } from "../../model/model-step.ts";
import { randomRuns, reproduction } from "../../model/random-runs.ts";
import { type ModelPath, StoreModel } from "../../model/store-model.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectEntries, expectSameSet } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { realMs } from "../../support/real-time.ts";

/** Random runs of all that a store can do, held against a map with a clock. */
export const modelCases: readonly ContractCase[] = [
  {
    rule: "S1",
    title: "any calls, one after another, give what a map with a clock gives",
    run: async (context) => expectLikeModel(context, 1),
  },
  {
    rule: "S6",
    title:
      "any calls that are not awaited give what a map with a clock gives when they are made in that order",
    run: async (context) => expectLikeModel(context, 5),
  },
];

/** Half a minute tells apart what has expired; more than that must not pass in reality. */
const longestRunMs = 25_000;

async function expectLikeModel(context: CaseContext, longestBurst: number): Promise<void> {
  const { harness, clock, options } = context;
  const random = randomRuns(options);
  const bursts = modelBursts(harness.capabilities, { longestBurst, timePasses: clock.isFake });
  const property = fc.asyncProperty(bursts, async (run) => tryRun(context, run));
  const outcome = await fc.check(property, {
    seed: random.seed,
    numRuns: random.runs,
    // A run is made smaller only for so long; the smallest so far is shown then.
    interruptAfterTimeLimit: longestRunMs,
  });
  if (!outcome.failed) return;
  if (outcome.counterexample === null)
    throw new ExpectationError("runs to the end", "runs that were all given up");
  const [smallest] = outcome.counterexample;
  context.startOver(`the smallest run that fails, ${reproduction(random)}`);
  try {
    await tryRun(context, smallest);
  } catch (error) {
    if (!(error instanceof ExpectationError)) throw error;
    throw new ExpectationError(error.expected, `${error.got} (${reproduction(random)})`, { cause: error });
  }
  throw outcome.errorInstance;
}

/** Makes one run, on the store emptied. */
async function tryRun({ store, clock, harness }: CaseContext, bursts: readonly ModelBurst[]): Promise<void> {
  await store.deleteAll();
  const model = new StoreModel();
  const begin = clock.checkpoint();
  const began = realMs();

  async function make(steps: readonly ModelStep[]): Promise<void> {
    const expected = steps.map((step) => applied(model, step));
    const answers = await Promise.all(steps.map(async (step) => made(at(store, step.path), step)));
    const inRealityMs = realMs() - began;
    if (inRealityMs > longestRunMs) fc.pre(false);
    for (const [index, step] of steps.entries()) {
      expectAnswers(answers[index] ?? [], expected[index] ?? [], inRealityMs, step);
    }
  }

  for (const { steps, thenPassMinutes, thenList } of bursts) {
    await make(steps);
    await make(steps.flatMap(looks)); // what went wrong shows immediately, not when a later step meets it by chance
    if (thenPassMinutes > 0) {
      model.nowMs += thenPassMinutes * 60_000;
      await begin.until(model.nowMs);
    }
    if (thenList && harness.capabilities.includes("listing")) {
      await expectListed(store, model, harness.capabilities.includes("namespaces"));
    }
  }
}

/** Steps that show what a step has left. */
function looks(step: ModelStep): ModelStep[] {
  return keysOf(step).flatMap((key) =>
    (["get", "expiresIn"] as const).map((kind) => ({ kind: "call", path: step.path, call: { kind, key } })),
  );
}

function keysOf(step: ModelStep): readonly string[] {
  switch (step.kind) {
    case "call":
      return [step.call.key];
    case "setMany":
      return step.entries.map(([key]) => key);
    case "deleteAll":
      return modelKeys;
    default:
      return step.keys;
  }
}

function at(store: FullStore, path: ModelPath): FullStore {
  return path.reduce((from, name) => from.withNamespace(name), store);
}

/** Makes a step on the store, in this very turn. */
async function made(store: FullStore, step: ModelStep): Promise<KeyAnswer[]> {
  switch (step.kind) {
    case "call":
      return [await makeKeyCall(store, step.call)];
    case "getMany":
      return (await store.getMany(step.keys)).map((bytes) => plain(textOf(bytes)));
    case "setMany":
      await store.setMany(step.entries, setOptions(step.expiry));
      return [];
    case "deleteMany":
      return [plain(await store.deleteMany(step.keys))];
    default:
      await store.deleteAll();
      return [];
  }
}

function applied(model: StoreModel, step: ModelStep): KeyAnswer[] {
  const { path } = step;
  switch (step.kind) {
    case "call":
      return [model.apply(path, step.call)];
    case "getMany":
      return step.keys.map((key) => model.apply(path, { kind: "get", key }));
    case "setMany":
      for (const [key, value] of new Map(step.entries)) {
        model.apply(path, { kind: "set", key, value, expiry: step.expiry });
      }
      return [];
    case "deleteMany": {
      const deleted = step.keys.map((key) => model.apply(path, { kind: "delete", key }).answer);
      return [plain(deleted.filter(Boolean).length)];
    }
    default:
      model.deleteAll(path);
      return [];
  }
}

function expectAnswers(
  got: readonly KeyAnswer[],
  expected: readonly KeyAnswer[],
  inRealityMs: number,
  step: ModelStep,
): void {
  for (let index = 0; index < Math.max(got.length, expected.length); index += 1) {
    const [one, wanted] = [got[index], expected[index]];
    const same = Object.is(one?.answer, wanted?.answer) && isNear(one?.leftMs, wanted?.leftMs, inRealityMs);
    if (!same) throw new ExpectationError(`${inspect(step)}: ${inspect(wanted)}`, inspect(one));
  }
}

/** Whether the time left is right, the clock having gone on by at most so much. */
function isNear(gotMs: number | undefined, expectedMs: number | undefined, inRealityMs: number): boolean {
  if (gotMs === undefined || expectedMs === undefined) return gotMs === expectedMs;
  return gotMs === expectedMs || (gotMs <= expectedMs + 2 && gotMs >= expectedMs - inRealityMs - 2);
}

/** Of one of the keys, and the beginning of no other. */
const prefix = "a:";

async function expectListed(store: FullStore, model: StoreModel, withNamespaces: boolean): Promise<void> {
  const paths: readonly ModelPath[] = withNamespaces ? [[], ["a"], ["a", "b"]] : [[]];
  for (const path of paths) {
    const entries = model.entries(path);
    const keys = [...entries.keys()];
    expectSameSet(await collect(at(store, path).keys()), keys, `keys of ${inspect(path)}`);
    expectSameSet(
      await collect(at(store, path).keys({ prefix })),
      keys.filter((key) => key.startsWith(prefix)),
      `keys of ${inspect(path)} with the prefix ${inspect(prefix)}`,
    );
    expectEntries(await collectEntries(at(store, path).entries()), entries, `entries of ${inspect(path)}`);
    if (!withNamespaces) continue;
    expectSameSet(
      await collect(at(store, path).namespaces()),
      model.namespaces(path),
      `namespaces of ${inspect(path)}`,
    );
  }
}

function plain(answer: KeyAnswer["answer"]): KeyAnswer {
  return { answer, leftMs: undefined };
}
