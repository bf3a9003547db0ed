import cluster from "node:cluster";
import { once } from "node:events";
import { guarded, inBackground } from "@kv/core/driver";
import type { StoreLocation } from "./open-store.ts";
import type { Settings } from "./settings.ts";

/**
 * Several processes on one port, which share nothing but the store. Ends them when it is told to end, and takes the
 * place of one that fails by another; one that cannot even start ends all.
 */
export async function serveTogether(
  { processes }: Settings,
  { store, description }: StoreLocation,
  print: (line: string) => void,
): Promise<void> {
  await store.close(); // each process opens its own
  let isEnding = false;
  const started = new Set<number>();
  cluster.on(
    "listening",
    guarded(({ id }, { port }) => {
      started.add(id);
      if (started.size === processes) {
        print(`http://localhost:${port}, kept in ${description}, by ${processes} processes`);
      }
    }),
  );
  cluster.on(
    "exit",
    guarded(({ id }) => {
      if (isEnding) return;
      if (started.has(id)) cluster.fork();
      else {
        process.exitCode = 1;
        end();
      }
    }),
  );
  for (let count = 0; count < processes; count += 1) cluster.fork();

  const ended = new Promise<void>((resolve) => {
    cluster.on(
      "exit",
      guarded(() => {
        if (isEnding && Object.keys(cluster.workers ?? {}).length === 0) resolve();
      }),
    );
  });
  inBackground(async () => {
    await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
    end();
  });
  await ended;

  function end(): void {
    isEnding = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
  }
}
