import { type FullStore, isStoreError } from "@kv/core";
import { yieldToEventLoop } from "@kv/core/driver";
import type { CaseContext } from "../../contract/contract-case.ts";
import type { Recover } from "../../contract/harness.ts";
import type { HistoryEntry } from "../../history/history-entry.ts";
import { makeCall, type StoreCall } from "../../model/store-call.ts";
import { inFlight } from "../../support/in-flight.ts";
import { realMs } from "../../support/real-time.ts";
import { wasNotDone } from "../shared/failure.ts";

interface RecordOptions {
  /** Where given, the backend fails in the middle of the history. */
  readonly faults: Pick<CaseContext, "fail" | "clock"> | undefined;
  /** The calls of a handle are in order (S6), and not only those of each caller: what another rule says holds without that. */
  readonly isOrdered: boolean;
}

/** Lets several callers of each handle make their calls, and writes down what they got and when. */
export async function recordHistory(
  handles: readonly FullStore[],
  scripts: readonly (readonly StoreCall[])[],
  keys: readonly string[],
  { faults, isOrdered }: RecordOptions,
): Promise<HistoryEntry[]> {
  const history: HistoryEntry[] = [];
  let lastMoment = 0;
  // Never twice the same.
  const moment = (): number => {
    lastMoment = Math.max(realMs(), lastMoment + 1e-6);
    return lastMoment;
  };
  async function record(store: FullStore, caller: number, call: StoreCall): Promise<HistoryEntry["outcome"]> {
    const startedAt = moment();
    let outcome: HistoryEntry["outcome"];
    try {
      outcome = await makeCall(store, call);
    } catch (error) {
      if (faults === undefined || !isStoreError(error)) throw error;
      outcome = wasNotDone(error) ? "not done" : "unknown";
    }
    history.push({ caller, call, outcome, startedAt, endedAt: moment() });
    return outcome;
  }

  let made = 0;
  let recover: Recover | undefined;
  /** The backend fails from the second third of the calls to the last. */
  async function disturb(): Promise<void> {
    made += 1;
    const third = Math.floor((scripts.length * (scripts[0]?.length ?? 0)) / 3);
    if (made === third) recover = await faults?.fail();
    if (made === 2 * third) await recoverNow();
  }
  async function recoverNow(): Promise<void> {
    const now = recover;
    recover = undefined;
    await now?.();
  }

  const callers = inFlight(
    scripts.map(async (script, at) => {
      const handle = at % handles.length;
      for (const call of script) {
        if (faults !== undefined) await disturb();
        await record(handles[handle] as FullStore, isOrdered ? handle : at, call);
      }
    }),
  );
  const ends = await Promise.allSettled(callers);
  await recoverNow();
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  // What goes on after its end shows a little later.
  await (faults === undefined ? yieldToEventLoop() : faults.clock.sleep(20));
  const looks = keys.flatMap((key) => (["get", "expiresIn"] as const).map((kind) => ({ kind, key })));
  for (const look of looks) {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      if (typeof (await record(handles[0] as FullStore, scripts.length, look)) !== "string") break;
      await faults?.clock.sleep(50);
    }
  }
  return history;
}
