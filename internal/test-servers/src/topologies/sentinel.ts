import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificates } from "../install/certificates.ts";
import { orStop, startAll, stopAll } from "../process/together.ts";
import { until } from "../process/until.ts";
import { fields, rows } from "../protocol/resp.ts";
import { certificatesOf, type DataServerOptions } from "../servers/data-server.ts";
import type { ServerKind } from "../servers/kind.ts";
import { launch, type RunningServer } from "../servers/server.ts";
import { listenSettings } from "../servers/settings.ts";
import { type Replication, startReplication } from "./replication.ts";

/** A primary, its replicas, and the sentinels that watch them. */
export interface SentinelGroup extends AsyncDisposable {
  /** The name under which clients ask the sentinels for the primary. */
  readonly name: string;
  /** The servers that hold data; the first was the primary at the start. */
  readonly servers: readonly RunningServer[];
  readonly sentinels: readonly RunningServer[];
  /** The server that the sentinels name as primary now. */
  primary(): Promise<RunningServer>;
  /** Waits until the sentinels agree on another primary than `from` and it takes writes; resolves to it. */
  untilFailedOver(from: RunningServer): Promise<RunningServer>;
  /** Waits until the sentinels know each other and every running replica, and could fail over immediately. */
  untilReady(): Promise<void>;
  stop(): Promise<void>;
}

export interface SentinelOptions extends DataServerOptions {
  /** 2 by default. */
  replicas?: number;
  /** 3 by default; a majority of them decides. */
  sentinels?: number;
  /** The password of the sentinels themselves. Without it none is asked for. */
  sentinelPassword?: string;
  /** How long a server must be silent until the sentinels take it for dead. 1,000 by default: more haste than a busy machine allows. */
  downAfterMs?: number;
}

const NAME = "kv-primary";
const READY_WITHIN_MS = 120_000;
const DOWN_AFTER_MS = 1000;
const FAILOVER_TIMEOUT_MS = 5000;

/** Starts the whole group and resolves once it could fail over. */
export async function startSentinel(options: SentinelOptions): Promise<SentinelGroup> {
  const certificates = certificatesOf(options);
  const replication = await startReplication({ replicas: 2, ...options, tls: certificates ?? false });
  const servers = [replication.primary, ...replication.replicas];
  const started = [...servers];
  return orStop(
    () => started,
    async () => {
      const count = options.sentinels ?? 3;
      const quorum = Math.floor(count / 2) + 1;
      const sentinels = await startAll(
        Array.from({ length: count }, () => startOne(options, certificates, replication, quorum)),
      );
      started.push(...sentinels);
      const stop = (): Promise<void> => stopAll(started);
      const group: SentinelGroup = {
        name: NAME,
        servers,
        sentinels,
        primary: () => primaryOf(servers, sentinels),
        untilFailedOver: (from) =>
          until(`the sentinels name another primary than port ${from.port}`, READY_WITHIN_MS, async () => {
            const primary = await primaryOf(servers, sentinels);
            if (primary === from) return undefined;
            const { role } = await primary.info("replication");
            return role === "master" ? primary : undefined;
          }),
        untilReady: async () => {
          await Promise.all(sentinels.filter(({ running }) => running).map(hurry));
          await until("the sentinels are ready to fail over", READY_WITHIN_MS, async () =>
            (await isReady(servers, sentinels)) ? true : undefined,
          );
        },
        stop,
        [Symbol.asyncDispose]: stop,
      };
      await group.untilReady();
      return group;
    },
  );
}

function startOne(
  {
    kind,
    release,
    password,
    sentinelPassword,
    downAfterMs = DOWN_AFTER_MS,
  }: SentinelOptions & { kind: ServerKind },
  certificates: Certificates | undefined,
  { primary }: Replication,
  quorum: number,
): Promise<RunningServer> {
  return launch({
    kind,
    release,
    password: sentinelPassword,
    certificates,
    prepare: async (folder, port) => {
      const listen = Object.entries(await listenSettings(folder, port, certificates));
      const lines = [
        ...listen.map(([name, value]) => `${name} "${value}"`),
        `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} ${quorum}`,
        `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
        `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
        ...(password === undefined ? [] : [`sentinel auth-pass ${NAME} ${password}`]),
        // The sentinels use it among themselves too.
        ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
      ];
      // A sentinel keeps what it learns in its configuration file, which so outlives a restart.
      const file = join(folder, "sentinel.conf");
      await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600 });
      return [file, "--sentinel"];
    },
  });
}

/** Sentinels look round every ten seconds and greet each other every two: more patience than a test has. */
async function hurry(sentinel: RunningServer): Promise<void> {
  await sentinel.command("SENTINEL", "DEBUG", "info-period", "500", "publish-period", "500");
}

async function primaryOf(
  servers: readonly RunningServer[],
  sentinels: readonly RunningServer[],
): Promise<RunningServer> {
  const answering = sentinels.filter(({ running, paused }) => running && !paused);
  const addresses = await Promise.all(
    answering.map((sentinel) => sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)),
  );
  const ports = new Set(addresses.map((address) => (Array.isArray(address) ? Number(address[1]) : 0)));
  const primary = servers.find((server) => ports.size === 1 && ports.has(server.port));
  if (primary === undefined) throw new Error(`The sentinels name ports ${[...ports].join(", ")}`);
  return primary;
}

async function isReady(
  servers: readonly RunningServer[],
  sentinels: readonly RunningServer[],
): Promise<boolean> {
  const running = servers.filter((server) => server.running);
  const primary = await primaryOf(servers, sentinels);
  for (const sentinel of sentinels.filter(({ running: isRunning }) => isRunning)) {
    const watched = fields(await sentinel.command("SENTINEL", "MASTER", NAME));
    if (watched["flags"] !== "master") return false;
    if (Number(watched["num-other-sentinels"]) !== sentinels.length - 1) return false;
    const replicas = rows(await sentinel.command("SENTINEL", "REPLICAS", NAME)).map(fields);
    for (const { port } of running.filter((server) => server !== primary)) {
      const known = replicas.find((replica) => replica["port"] === String(port));
      if (known?.["flags"] !== "slave" || known["master-link-status"] !== "ok") return false;
    }
    await sentinel.command("SENTINEL", "CKQUORUM", NAME);
  }
  return true;
}
