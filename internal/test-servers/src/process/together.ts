import type { RunningServer } from "../servers/server.ts";

/** Starts servers that belong together, concurrently. If one does not start, the others are stopped. */
export async function startAll(starts: readonly Promise<RunningServer>[]): Promise<RunningServer[]> {
  const results = await Promise.allSettled(starts);
  const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return started;
  await stopAll(started);
  throw new Error("Not all servers could be started", { cause: failed.reason });
}

/** Stops servers that belong together, concurrently. */
export async function stopAll(servers: readonly RunningServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}

/** Runs the steps that make one thing of `servers`; if one fails, they are stopped. */
export async function orStop<T>(
  servers: () => readonly RunningServer[],
  steps: () => Promise<T>,
): Promise<T> {
  try {
    return await steps();
  } catch (error) {
    await stopAll(servers());
    throw error;
  }
}
