import { until } from "../process/until.ts";
import { fields, rows } from "../protocol/resp.ts";
import type { RunningServer } from "../servers/server.ts";
import { masterOfSlot, mastersAmong, untilAgreed } from "./cluster-view.ts";

const MOVED_WITHIN_MS = 120_000;

/** Moves a slot of the cluster of `nodes` to another master, and resolves once all running nodes know. */
export async function moveSlotAtomically(
  nodes: readonly RunningServer[],
  slot: number,
  to: RunningServer,
): Promise<void> {
  const { node: from } = masterOfSlot(await mastersAmong(nodes), slot);
  const range = `${slot}-${slot}`;
  const target = String(await to.command("CLUSTER", "MYID"));
  await from.command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", ...range.split("-"), "NODE", target);
  const job = await until(`slot ${slot} has moved to port ${to.port}`, MOVED_WITHIN_MS, async () => {
    // The newest comes first.
    const jobs = rows(await from.command("CLUSTER", "GETSLOTMIGRATIONS")).map(fields);
    const newest = jobs.find(({ slot_ranges: ranges }) => ranges === range);
    return ["success", "failed", "cancelled"].includes(newest?.["state"] ?? "") ? newest : undefined;
  });
  if (job["state"] !== "success") {
    throw new Error(`Slot ${slot} has not moved to port ${to.port}: ${job["state"]} ${job["message"]}`);
  }
  await untilAgreed(nodes);
}
