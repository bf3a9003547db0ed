import { orStop, startAll, stopAll } from "../process/together.ts";
import { until } from "../process/until.ts";
import { certificatesOf, type DataServerOptions, startDataServer } from "../servers/data-server.ts";
import type { RunningServer } from "../servers/server.ts";

/** A primary and its replicas. */
export interface Replication extends AsyncDisposable {
  readonly primary: RunningServer;
  readonly replicas: readonly RunningServer[];
  /** Waits until every replica has all that the primary has by now. */
  untilInSync(): Promise<void>;
  stop(): Promise<void>;
}

const IN_SYNC_WITHIN_MS = 120_000;

/** Starts a primary and read-only replicas of it, one if not told otherwise. Resolves once they are in sync. */
export async function startReplication(
  options: DataServerOptions & { replicas?: number },
): Promise<Replication> {
  const certificates = certificatesOf(options);
  const shared = { ...options, tls: certificates ?? false };
  const primary = await startDataServer(shared);
  const started = [primary];
  return orStop(
    () => started,
    async () => {
      const role = { replicaof: `127.0.0.1 ${primary.port}` };
      const count = options.replicas ?? 1;
      const replicas = await startAll(Array.from({ length: count }, () => startDataServer(shared, role)));
      started.push(...replicas);
      const stop = (): Promise<void> => stopAll(started);
      const untilInSync = (): Promise<void> => untilAllInSync(primary, replicas);
      await untilInSync();
      return { primary, replicas, untilInSync, stop, [Symbol.asyncDispose]: stop };
    },
  );
}

/**
 * Makes `replica` the primary, and `primary` its replica. Nothing that was acknowledged is lost: writes wait meanwhile,
 * and are then answered with READONLY. Connections stay open.
 */
export async function handOver(primary: RunningServer, replica: RunningServer): Promise<void> {
  await primary.command("CLIENT", "PAUSE", String(IN_SYNC_WITHIN_MS), "WRITE");
  await untilAllInSync(primary, [replica]);
  await replica.command("REPLICAOF", "NO", "ONE");
  await primary.command("REPLICAOF", "127.0.0.1", String(replica.port));
  await primary.command("CLIENT", "UNPAUSE");
}

async function untilAllInSync(primary: RunningServer, replicas: readonly RunningServer[]): Promise<void> {
  const { master_repl_offset: goal } = await primary.info("replication");
  await until(
    `${replicas.length} replicas in sync with port ${primary.port}`,
    IN_SYNC_WITHIN_MS,
    async () => {
      const { connected_slaves: connected } = await primary.info("replication");
      const states = await Promise.all(replicas.map((replica) => replica.info("replication")));
      const inSync = states.every(
        (state) => state["master_link_status"] === "up" && Number(state["slave_repl_offset"]) >= Number(goal),
      );
      return inSync && Number(connected) >= replicas.length ? true : undefined;
    },
  );
}
