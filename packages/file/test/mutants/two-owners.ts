import { type FullStore, isStoreError } from "@kv/core";
import { livenessOf } from "../../src/ownership/owner-id.ts";
import { HeldDisk } from "../held-disk.ts";
import { newDirectory } from "../temporary.ts";
import { type Design, storeOf } from "./mutated-store.ts";

/** A call on a store, with what it answers as something that JSON can show. */
export type Step = (store: FullStore) => Promise<unknown>;

export interface Scenario {
  readonly parent: string;
  readonly beginning: Step;
  /** The call that is held up at one of its calls to the disk. */
  readonly held: Step;
  /** What another owner does meanwhile, and perhaps the one whose call is held up. */
  readonly other: (store: FullStore, held: FullStore) => Promise<unknown>;
  /** The keys whose state counts: "key" and "other" by default. */
  readonly keys?: readonly string[];
  /** What the other is told of the owner that is held up: that it lives, unless told. */
  readonly liveness?: "alive" | "unknown";
}

/**
 * Holds up a call at each of its calls to the disk in turn, while another owner does something, and then lets it go
 * on. The answers and what is left must be those of one order of the two; gives how often they were not.
 */
export async function wrongOrders(design: Design, scenario: Scenario): Promise<string[]> {
  const orders = [
    await inOrder(design, scenario, async (store, answers) => {
      answers[0] = await scenario.held(store);
      answers[1] = await scenario.other(store, store);
    }),
    await inOrder(design, scenario, async (store, answers) => {
      answers[1] = await scenario.other(store, store);
      answers[0] = await scenario.held(store);
    }),
  ];
  const wrong: string[] = [];
  for (let at = 1; ; at += 1) {
    const seen = await heldAt(design, scenario, at);
    if (seen === undefined) return wrong;
    if (!orders.includes(seen))
      wrong.push(`held at call ${at}: ${seen}, but in order ${orders.join(" or ")}`);
  }
}

/**
 * Holds up a call while another owner does something that is acknowledged, lets it go on and kills it after some calls.
 * Gives what was there afterwards, for each moment of the kill.
 */
export async function leftAfterKills(design: Design, scenario: Scenario): Promise<unknown[]> {
  const left: unknown[] = [];
  for (let at = 1; ; at += 1) {
    for (let callsLeft = 0; ; callsLeft += 1) {
      const { store, disk, quick, remove } = await begun(design, scenario, at);
      disk.arm();
      const first = scenario.held(store).catch(() => undefined);
      const isHeld = await reaches(disk, first);
      if (isHeld) {
        const second = await scenario.other(quick, store).catch(codeOf);
        disk.release(callsLeft);
        await first;
        if (second !== "KV_TIMEOUT") left.push(await stateOf(quick, scenario));
      }
      const wasKilled = disk.wasKilled;
      await quick.close();
      remove();
      if (!isHeld) return left;
      if (!wasKilled) break;
    }
  }
}

/** What is there under the keys that a scenario uses, and for how many hours. */
async function stateOf(store: FullStore, { keys = ["key", "other"] }: Scenario): Promise<unknown> {
  const state: unknown[] = [];
  for (const key of keys) {
    const left = await store.expiresIn(key);
    state.push(textOf(await store.get(key)), left === undefined ? "none" : Math.ceil(left / 3_600));
  }
  return state;
}

export function textOf(value: Uint8Array | undefined): string | null {
  return value === undefined ? null : Buffer.from(value).toString();
}

async function heldAt(design: Design, scenario: Scenario, at: number): Promise<string | undefined> {
  const { store, disk, quick, remove } = await begun(design, scenario, at);
  disk.arm();
  const first = scenario.held(store).catch(String);
  let seen: string | undefined;
  if (await reaches(disk, first)) {
    const second = await scenario.other(quick, store).catch(codeOf);
    disk.release();
    seen = JSON.stringify([await first, second, await stateOf(quick, scenario)]);
    // Whoever finds the lock of one that lives gives up, and has changed nothing.
    if (second === "KV_TIMEOUT") {
      seen = JSON.stringify([
        JSON.parse(seen)[0],
        await scenario.other(quick, store),
        await stateOf(quick, scenario),
      ]);
    }
  }
  disk.release();
  await store.close();
  await quick.close();
  remove();
  return seen;
}

async function begun(
  design: Design,
  { parent, beginning, liveness = "alive" }: Scenario,
  at: number,
): Promise<{ store: FullStore; disk: HeldDisk; quick: FullStore; remove(): void }> {
  const directory = newDirectory(parent);
  const disk = new HeldDisk(({ number }) => number === at);
  const store = storeOf(design, directory.path, { disk });
  await beginning(store);
  const environment =
    liveness === "alive" ? { livenessOf } : { livenessOf: () => "unknown" as const, heartbeatTimeoutMs: 1 };
  const quick = storeOf(design, directory.path, environment, liveness === "alive" ? "gives up" : "waits");
  return { store, disk, quick, remove: () => directory.remove() };
}

/** Whether a call is held up before the work is done. */
async function reaches(disk: HeldDisk, work: Promise<unknown>): Promise<boolean> {
  return await Promise.race([disk.held.then(() => true), work.then(() => false)]);
}

async function inOrder(
  design: Design,
  scenario: Scenario,
  work: (store: FullStore, answers: unknown[]) => Promise<void>,
): Promise<string> {
  const directory = newDirectory(scenario.parent);
  const store = storeOf(design, directory.path);
  await scenario.beginning(store);
  const answers: unknown[] = [];
  await work(store, answers);
  const seen = JSON.stringify([...answers, await stateOf(store, scenario)]);
  await store.close();
  directory.remove();
  return seen;
}

/** Who finds the lock of one that lives gives up; all else is a finding. */
function codeOf(error: unknown): string {
  if (isStoreError(error, "KV_TIMEOUT")) return error.code;
  throw error;
}
