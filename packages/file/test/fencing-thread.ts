import { workerData } from "node:worker_threads";
import { fileStoreIn } from "../src/store/file-store.ts";

// Increments a key whose lock another thread holds, while that one's event loop may stand still: so it fences the other.
// Then increments keys as one would by whom the other lives. Says when it is done.

export interface FencingData {
  readonly directory: string;
  readonly fenceBy: string;
  readonly others: readonly string[];
  /** 0 until it is over; then how many increments were made, or -1 where one was not. */
  readonly made: Int32Array<SharedArrayBuffer>;
}

const { directory, fenceBy, others, made } = workerData as FencingData;
const fencing = fileStoreIn({ directory, durability: "none", timeout: "1m" }, { heartbeatTimeoutMs: 50 });
const knowing = fileStoreIn(
  { directory, durability: "none", timeout: "1m" },
  { livenessOf: () => "alive", heartbeatTimeoutMs: Number.POSITIVE_INFINITY },
);
try {
  await fencing.increment(fenceBy);
  for (const key of others) await knowing.increment(key);
  Atomics.store(made, 0, 1 + others.length);
} catch {
  Atomics.store(made, 0, -1);
}
Atomics.notify(made, 0);
await knowing.close();
await fencing.close();
