import type { FullStore } from "@kv/core";
import * as fc from "fast-check";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import type { RuleId } from "../../contract/rules.ts";
import { Unproven } from "../../contract/unproven.ts";
import { checkHistory } from "../../history/check-history.ts";
import { inspectHistory } from "../../history/inspect-history.ts";
import { nameBrokenRule } from "../../history/name-broken-rule.ts";
import { concernsKey, shortestBroken } from "../../history/narrow-history.ts";
import { randomRuns, reproduction } from "../../model/random-runs.ts";
import { realMs } from "../../support/real-time.ts";
import { type ConcurrentCase, concurrently } from "../shared/concurrently.ts";
import {
  atomicCalls,
  batches,
  type CallChoice,
  creations,
  increments,
  plainCalls,
  removals,
  renewals,
  takes,
} from "./history-calls.ts";
import { recordHistory } from "./record-history.ts";

const callersPerHandle = 3;
const callsPerCaller = 8;
/** No more histories are recorded after so long: a slow store shows less. */
const enoughMs = 10_000;
/** The same where the backend fails, since calls may take as long as their `timeout` then. */
const enoughFaultsMs = 4_000;

const explained = "one order explains every answer of a recorded history";

/** Recorded histories: whatever callers do at the same time, one order must explain all answers. */
export const historyCases: readonly ContractCase[] = [
  ...historyCase("S6", explained, plainCalls),
  ...historyCase("S6", `${explained} with batches`, batches, { needs: ["batch"] }),
  ...historyCase("T3", `${explained} with renewals, also of the time left`, renewals),
  ...historyCase("N5", `${explained} with deleteAll`, removals),
  ...historyCase("A1", `${explained} with increments, also of the time left`, increments, {
    needs: ["atomic"],
  }),
  ...historyCase("A2", `${explained} with setIfAbsent, also of the time left`, creations, {
    needs: ["atomic"],
  }),
  ...historyCase("A3", `${explained} with atomic steps`, atomicCalls, { needs: ["atomic"] }),
  ...historyCase("A4", `${explained} of takes beside other changes`, takes, { needs: ["atomic"] }),
  ...historyCase("S7", `${explained} in the middle of which the backend fails`, plainCalls, {
    needs: ["fail"],
    withFault: true,
  }),
  ...historyCase(
    "S7",
    `${explained} with atomic steps in the middle of which the backend fails`,
    atomicCalls,
    {
      needs: ["fail", "atomic"],
      withFault: true,
    },
  ),
];

function historyCase(
  rule: RuleId,
  title: string,
  calls: CallChoice,
  { withFault = false, ...rest }: Pick<ConcurrentCase, "needs"> & { readonly withFault?: boolean } = {},
): ContractCase[] {
  return concurrently({
    ...rest,
    rule,
    title,
    rootOnly: withFault,
    run: async (stores, context) =>
      expectHistories([...new Set(stores)], context, { rule, calls, withFault }),
  });
}

async function expectHistories(
  handles: readonly FullStore[],
  context: CaseContext,
  {
    rule,
    calls,
    withFault,
  }: { readonly rule: RuleId; readonly calls: CallChoice; readonly withFault: boolean },
): Promise<void> {
  const random = randomRuns(context.options);
  const begin = realMs();
  const rounds = Math.ceil(random.runs / (withFault ? 4 : 2));
  let checked = 0;
  let undecided = 0;
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && realMs() - begin > (withFault ? enoughFaultsMs : enoughMs)) break;
    // Keys of its own, so that nothing that comes late from one history is met by another.
    const keys = [`a${round}`, `b${round}`];
    const script = fc.array(fc.oneof(...calls(fc.constantFrom(...keys))), {
      minLength: callsPerCaller,
      maxLength: callsPerCaller,
    });
    const count = handles.length * callersPerHandle;
    const [scripts = []] = fc.sample(fc.array(script, { minLength: count, maxLength: count }), {
      seed: random.seed + round,
      numRuns: 1,
    });
    const history = await recordHistory(handles, scripts, keys, {
      faults: withFault ? context : undefined,
      isOrdered: rule === "S6",
    });
    checked += 1;
    context.tally("histories");
    const { verdict, key = "" } = checkHistory(history, { maxSteps });
    if (verdict === "undecided") {
      undecided += 1;
      context.tally("undecidedHistories");
    }
    if (verdict !== "not linearizable") continue;
    const broken = shortestBroken(history.filter(({ call }) => concernsKey(call, key)));
    throw new ExpectationError(
      "an order in which the calls took effect one after another, each while it was in flight and those of a caller as they were made, that explains every answer",
      `a history that has none (${reproduction(random)}):\n${inspectHistory(broken)}`,
      // A backend that fails makes much look broken; what is broken without that, the other cases show.
      { rule: withFault ? rule : nameBrokenRule(broken, rule) },
    );
  }
  if (undecided > 0) {
    throw new Unproven(`of ${checked} histories ${undecided} were not decided within ${maxSteps} steps each`);
  }
}

/** More than any history of so few calls takes, but of those in which a great many outcomes are unknown. */
const maxSteps = 100_000;
