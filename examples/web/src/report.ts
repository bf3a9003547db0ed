import { setTimeout } from "node:timers/promises";

export interface Report {
  readonly madeAt: string;
  readonly process: number;
  readonly tookMs: number;
}

const slowMs = 1_500;

/** What takes its time, and is the same for everybody: so it is worth caching. */
export async function makeReport(): Promise<Report> {
  const beganMs = performance.now();
  await setTimeout(slowMs);
  const tookMs = Math.round(performance.now() - beganMs);
  return { madeAt: new Date().toISOString(), process: process.pid, tookMs };
}
