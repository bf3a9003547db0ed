import type { RunningServer } from "../servers/server.ts";
import { masterOfSlot, mastersAmong, untilAgreed } from "./cluster-view.ts";

/** A slot of a cluster on its way from one master to another, key by key: clients are sent after a key by ASK. */
export interface SlotMove {
  readonly slot: number;
  readonly from: RunningServer;
  readonly to: RunningServer;
  /** Moves so many of the keys that are left, by default all of them; resolves to how many it has moved. */
  moveKeys(count?: number): Promise<number>;
  /** Gives the slot to `to`, and waits until all nodes agree. No key may be left at `from`: it would be lost. */
  finish(): Promise<void>;
  /**
   * Leaves the slot to `from` and moves the keys back. A key that has moved is found by nobody meanwhile: a master takes
   * none back while it is moving the slot.
   */
  cancel(): Promise<void>;
}

const KEYS_AT_ONCE = 100;
const MIGRATE_WITHIN_MS = "60000";

/** Begins to move a slot of the cluster of `nodes`, as `redis-cli --cluster reshard` does. */
export async function beginMove(
  nodes: readonly RunningServer[],
  slot: number,
  to: RunningServer,
): Promise<SlotMove> {
  const masters = await mastersAmong(nodes);
  const from = masterOfSlot(masters, slot);
  const target = masters.find(({ node }) => node === to);
  if (target === undefined) throw new Error(`Port ${to.port} is no master`);
  const others = masters.filter((master) => master !== from && master !== target);
  const setSlot = async (node: RunningServer, ...state: readonly string[]): Promise<void> => {
    for (let triesLeft = 30; ; triesLeft -= 1) {
      try {
        await node.command("CLUSTER", "SETSLOT", String(slot), ...state);
        return;
      } catch (error) {
        if (triesLeft === 0 || !isForSlowReplicas(error)) throw error;
      }
    }
  };
  await setSlot(to, "IMPORTING", from.id);
  await setSlot(from.node, "MIGRATING", target.id);
  return {
    slot,
    from: from.node,
    to,
    moveKeys: (count = Number.POSITIVE_INFINITY) => moveKeys(slot, from.node, to, count),
    finish: async () => {
      // The new owner first: the old one alone would point to it in vain.
      for (const { node } of [target, from, ...others]) await setSlot(node, "NODE", target.id);
      await untilAgreed(nodes);
    },
    cancel: async () => {
      await setSlot(from.node, "STABLE");
      await moveKeys(slot, to, from.node, Number.POSITIVE_INFINITY);
      await setSlot(to, "STABLE");
    },
  };
}

/** Valkey sets a slot only if its replicas acknowledge that within two seconds. On a busy machine they may take longer. */
function isForSlowReplicas(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOREPLICAS");
}

async function moveKeys(
  slot: number,
  from: RunningServer,
  to: RunningServer,
  count: number,
): Promise<number> {
  const access = to.password === undefined ? [] : ["AUTH", to.password];
  let moved = 0;
  while (moved < count) {
    const atOnce = String(Math.min(KEYS_AT_ONCE, count - moved));
    const keys = await from.command("CLUSTER", "GETKEYSINSLOT", String(slot), atOnce);
    if (!Array.isArray(keys)) throw new TypeError(`Expected keys, got ${String(keys)}`);
    if (keys.length === 0) break;
    const target = ["127.0.0.1", String(to.port), "", "0", MIGRATE_WITHIN_MS];
    await from.command("MIGRATE", ...target, ...access, "KEYS", ...keys.map(String));
    moved += keys.length;
  }
  return moved;
}
