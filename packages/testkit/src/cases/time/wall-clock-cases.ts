import type { FullStore } from "@kv/core";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import { expectSame } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { ableCalls, addEntry, callGroups, expiryCallGroup, wideCallGroups } from "../shared/all-calls.ts";
import { expiryWays } from "../shared/expiry-ways.ts";
import { forEach } from "../shared/for-each.ts";
import { toldCalls } from "../shared/told-call.ts";
import { expectLeft } from "./expiry-cases.ts";

const groups = [...callGroups, ...wideCallGroups.filter((group) => group !== expiryCallGroup)];
const dayMs = 86_400_000;

/** T7: the wall clock jumps. */
export const wallClockCases: readonly ContractCase[] = (
  [
    ["a day ahead", dayMs],
    ["a day back", -dayMs],
  ] as const
).map(([where, jumpMs]) => ({
  rule: "T7",
  title: `where the wall clock jumps ${where}, no call takes an in-memory entry for expired early or late`,
  needs: ["inMemory"],
  run: async (context) => jump(context, where, jumpMs),
}));

async function jump(context: CaseContext, where: string, jumpMs: number): Promise<void> {
  const { store, clock, harness } = context;
  const calls = ableCalls(harness, groups);
  const ways = Object.entries(expiryWays).filter(([, { needs = [] }]) =>
    needs.every((need) => (harness.capabilities as readonly string[]).includes(need)),
  );
  const lifeMs = clock.shortMs / 2;
  const live = toldCalls(calls, 1);
  const before = clock.checkpoint();
  await addEntry(store, "live");
  await forEach(live, (each) => each.prepare(store));
  await forEach(ways, async ([way, { prepare }]) => prepare?.(store, `${way}, given`));
  await forEach(calls, ([method]) => addExpiring(context, `${method}, expired;`, lifeMs));
  const added = clock.checkpoint();

  // oxlint-disable time/seam -- it is the clock of the process that jumps, for stores that do not know the seam, too
  const now = Date.now;
  try {
    Date.now = () => now() + jumpMs;
    context.note(`the wall clock jumps ${where}`);
    await added.until(lifeMs + resolutionMs);
    await expectLeft(store, "live", 3_600, before);
    await forEach(ways, async ([way, { give }]) => {
      const beforeGiven = clock.checkpoint();
      await give(store, `${way}, given`, "1h");
      await expectLeft(store, `${way}, given`, 3_600, beforeGiven);
    });
    await forEach(calls, async ([method, { call }]) => {
      const [expired, missing] = await Promise.all(
        ["expired", "missing"].map(async (what) => inspect(await call(store, `${method}, ${what};`))),
      );
      expectSame(expired, missing, `${method} of an entry that has expired, as of one that was never there`);
    });
    await forEach(live, (each) => each.make(store));
    if (harness.capabilities.includes("expiry")) await store.deleteExpired();
    await forEach(live, (each) => each.look(store));
  } finally {
    Date.now = now;
  }
  // oxlint-enable time/seam
  context.note("the wall clock jumps to where it was");
  for (const each of live) each.expectDone();
  await forEach(live, (each) => each.look(store));
  if (harness.capabilities.includes("expiry"))
    expectSame(await store.deleteExpired(), 0, "deleteExpired, again: how many there were still");
}

/** Adds an entry of that key, and one in the namespace of that name, as far as there are namespaces. */
async function addExpiring(
  { store, harness }: CaseContext,
  key: string,
  milliseconds: number,
): Promise<void> {
  const places: FullStore[] = [store];
  if (harness.capabilities.includes("namespaces")) places.push(store.withNamespace(key));
  await forEach(places, (place, at) =>
    place.set(at === 0 ? key : "entry", "0", { expiresIn: { milliseconds } }),
  );
}
