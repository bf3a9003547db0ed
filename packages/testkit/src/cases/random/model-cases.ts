import type { FullStore } from "@kv/core";
import * as fc from "fast-check";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { Unproven } from "../../contract/unproven.ts";
import { brokenRule, type Difference } from "../../model/broken-rule.ts";
import {
  awaitEach,
  inspectStep,
  looksAfter,
  looksBeside,
  type ModelBurst,
  type ModelStep,
  modelBursts,
} from "../../model/model-step.ts";
import { type RandomRuns, randomRuns, reproduction } from "../../model/random-runs.ts";
import { type CallAnswer, inspectAnswer, makeCall } from "../../model/store-call.ts";
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
/** A run on a slow store ends here: what it has shown until then counts. */
const enoughOfRunMs = 10_000;
/** No more runs begin after so long, and none is made smaller after so much longer. */
const enoughOfRunsMs = 15_000;

async function expectLikeModel(context: CaseContext, longestBurst: number): Promise<void> {
  const random = randomRuns(context.options);
  const failure = await findFailure(context, random, longestBurst);
  if (failure === undefined) return;
  const { error, smallest } = failure;
  const again = await failAgain(context, random, smallest);
  throw new ExpectationError(
    (again ?? error).expected,
    again === undefined
      ? `${error.got}; made again, the same calls gave what they should (${reproduction(random)})`
      : `${again.got} (${reproduction(random)})`,
    { cause: error.cause, rule: (again ?? error).rule },
  );
}

interface Failure {
  readonly error: ExpectationError;
  readonly smallest: readonly ModelBurst[];
}

async function findFailure(
  context: CaseContext,
  random: RandomRuns,
  longestBurst: number,
): Promise<Failure | undefined> {
  const { harness, clock } = context;
  const bursts = modelBursts(harness.capabilities, { longestBurst, timePasses: clock.isFake });
  const begin = realMs();
  let failure: Failure | undefined;
  let ended = 0;
  const property = fc.asyncProperty(bursts, async (run) => {
    if (realMs() - begin > (failure === undefined ? 1 : 2) * enoughOfRunsMs) return;
    try {
      if (await tryRun(context, run)) ended += 1;
    } catch (error) {
      if (!(error instanceof ExpectationError)) throw error;
      failure = { error, smallest: run };
      throw error;
    }
  });
  const { failed, errorInstance } = await fc.check(property, { seed: random.seed, numRuns: random.runs });
  context.tally("randomRuns", ended);
  if (failure === undefined && failed) throw errorInstance;
  if (failure === undefined && ended === 0) {
    throw new Unproven(
      `no random run came to an end: a few calls took more than ${longestRunMs / 1_000} s, in which entries expire`,
    );
  }
  return failure;
}

/**
 * Makes a run again that fails: each call awaited, and with a look at all its keys after each, so that the failure shows
 * where it begins. Only where that goes well it is the order of the calls that matters.
 */
async function failAgain(
  context: CaseContext,
  random: RandomRuns,
  run: readonly ModelBurst[],
): Promise<ExpectationError | undefined> {
  const steps = run.flatMap((burst) => burst.steps);
  const looks = [...looksAfter(steps), ...looksBeside(steps, hasNamespaces(context))];
  const awaited = awaitEach(run);
  const isBurst = awaited.length > run.length;
  const attempts = [
    { bursts: awaited, looks },
    { bursts: run, looks },
    { bursts: run, looks: undefined },
  ];
  for (const [at, { bursts, looks: always }] of attempts.entries()) {
    const line = `the smallest run that fails, ${reproduction(random)}`;
    context.startOver(line);
    try {
      await tryRun(context, bursts, { looks: always, onBegin: () => context.startOver(line) });
    } catch (error) {
      if (!(error instanceof ExpectationError)) throw error;
      if (at === 0 || !isBurst) return error;
      return new ExpectationError(
        error.expected,
        `${error.got}, though the same calls give what they should when each is awaited`,
        { cause: error.cause, rule: "S6" },
      );
    }
  }
  return undefined;
}

interface Rerun {
  /** What to look at after every burst, if not only at what it may have changed. */
  readonly looks: readonly ModelStep[] | undefined;
  /** Called when the store is empty, before the first burst. */
  readonly onBegin: () => void;
}

/** Makes a run, on the store emptied, and tells whether it came to an end. */
async function tryRun(
  context: CaseContext,
  bursts: readonly ModelBurst[],
  { looks, onBegin }: Partial<Rerun> = {},
): Promise<boolean> {
  const { store, clock, harness } = context;
  await store.deleteAll();
  const model = new StoreModel();
  const begin = clock.checkpoint();
  const began = realMs();

  /** Makes steps concurrently, and tells whether it is still certain what their answers must be. */
  async function makeSteps(steps: readonly ModelStep[], after: Difference["after"]): Promise<boolean> {
    const expected = steps.map(({ path, call }) => model.apply(path, call));
    const outcomes = await Promise.allSettled(
      steps.map(async ({ path, call }) => makeCall(namespaceAt(store, path), call)),
    );
    const inRealityMs = realMs() - began;
    if (inRealityMs > longestRunMs) return false;
    for (const [index, step] of steps.entries()) {
      expectOutcome(step, after, expected[index] as CallAnswer, outcomes[index], inRealityMs);
    }
    return true;
  }

  const emptied: ModelStep = { path: [], call: { kind: "deleteAll" } };
  if (!(await makeSteps(looksBeside([emptied], hasNamespaces(context)), emptied))) return false;
  onBegin?.();
  for (const { steps, thenPassMinutes, thenList } of bursts) {
    if (realMs() - began > enoughOfRunMs) return true;
    if (!(await makeSteps(steps, undefined))) return false;
    // What went wrong shows now, not when a later step meets it by chance.
    if (!(await makeSteps(looks ?? looksAfter(steps), steps.at(-1)))) return false;
    if (thenPassMinutes > 0) {
      model.nowMs += thenPassMinutes * 60_000;
      await begin.until(model.nowMs);
      if (looks !== undefined && !(await makeSteps(looks, "time"))) return false;
    }
    if (thenList && harness.capabilities.includes("listing")) {
      await expectListed(store, model, hasNamespaces(context));
    }
  }
  return true;
}

function hasNamespaces({ harness }: CaseContext): boolean {
  return harness.capabilities.includes("namespaces");
}

function namespaceAt(store: FullStore, path: ModelPath): FullStore {
  return path.reduce((from, name) => from.withNamespace(name), store);
}

function expectOutcome(
  step: ModelStep,
  after: Difference["after"],
  expected: CallAnswer,
  outcome: PromiseSettledResult<CallAnswer> | undefined,
  inRealityMs: number,
): void {
  const got = outcome?.status === "fulfilled" ? outcome.value : undefined;
  if (got !== undefined && isSameAnswer(got, expected, inRealityMs)) return;
  const cause: unknown = outcome?.status === "rejected" ? outcome.reason : undefined;
  throw new ExpectationError(
    `${inspectStep(step)} gives ${inspectAnswer(step.call, expected)}${isRunning(expected) ? ", or a little less" : ""}`,
    got === undefined ? `a rejection with ${inspect(cause)}` : inspectAnswer(step.call, got),
    { cause, rule: brokenRule({ step, after, expected, got }) },
  );
}

function isSameAnswer(got: CallAnswer, expected: CallAnswer, inRealityMs: number): boolean {
  return (
    inspectWhole(got.answer) === inspectWhole(expected.answer) &&
    isNear(got.leftMs, expected.leftMs, inRealityMs)
  );
}

/** Answers that differ have different texts. */
function inspectWhole(answer: CallAnswer["answer"]): string {
  if (Array.isArray(answer)) return JSON.stringify(answer.map((item) => [item]));
  return Object.is(answer, -0) ? "-0" : `${typeof answer} ${String(answer)}`;
}

function isRunning({ leftMs }: CallAnswer): boolean {
  return leftMs !== undefined && leftMs !== Number.POSITIVE_INFINITY;
}

/** Tells whether the time left is right, the clock having gone on by at most so much. */
function isNear(gotMs: number | undefined, expectedMs: number | undefined, inRealityMs: number): boolean {
  if (gotMs === undefined || expectedMs === undefined) return gotMs === expectedMs;
  return gotMs === expectedMs || (gotMs <= expectedMs + 2 && gotMs >= expectedMs - inRealityMs - 2);
}

/** Of one of the keys, and the beginning of no other. */
const prefix = "a:";

async function expectListed(store: FullStore, model: StoreModel, withNamespaces: boolean): Promise<void> {
  const paths: readonly ModelPath[] = withNamespaces ? [[], ["a"], ["a", "b"]] : [[]];
  try {
    for (const path of paths) {
      const at = path.map((name) => `withNamespace(${inspect(name)}).`).join("");
      const namespace = namespaceAt(store, path);
      const entries = model.entries(path);
      const keys = [...entries.keys()];
      expectSameSet(await collect(namespace.keys()), keys, `${at}keys()`);
      expectSameSet(
        await collect(namespace.keys({ prefix })),
        keys.filter((key) => key.startsWith(prefix)),
        `${at}keys(${inspect({ prefix })})`,
      );
      expectEntries(await collectEntries(namespace.entries()), entries, `${at}entries()`);
      if (!withNamespaces) continue;
      expectSameSet(await collect(namespace.namespaces()), model.namespaces(path), `${at}namespaces()`);
    }
  } catch (error) {
    if (!(error instanceof ExpectationError)) throw error;
    throw new ExpectationError(error.expected, error.got, { cause: error.cause, rule: "N6" });
  }
}
