import { orStop, startAll, stopAll } from "../process/together.ts";
import { until } from "../process/until.ts";
import { certificatesOf, type DataServerOptions, startDataServer } from "../servers/data-server.ts";
import type { RunningServer } from "../servers/server.ts";
import type { Settings } from "../servers/settings.ts";
import { moveSlotAtomically } from "./atomic-slot-move.ts";
import { haveAgreed, owners, viewFrom } from "./cluster-view.ts";
import { beginMove, type SlotMove } from "./slot-move.ts";

/** A cluster that serves all 16384 slots. */
export interface RunningCluster extends AsyncDisposable {
  /** All of them; at the start the masters first. Any is good as a client's starting point. */
  readonly nodes: readonly RunningServer[];
  /** The running nodes that serve slots now. */
  masters(): Promise<RunningServer[]>;
  /** The node that serves this key's slot now. */
  masterOf(key: string): Promise<RunningServer>;
  /** A live replica of this master. */
  replicaOf(master: RunningServer): Promise<RunningServer>;
  /** The slot of a key. */
  slotOf(key: string): Promise<number>;
  /** Begins to move a slot to another master, key by key. */
  beginMove(slot: number, to: RunningServer): Promise<SlotMove>;
  /** Moves a slot, with all its keys, to another master. */
  moveSlot(slot: number, to: RunningServer): Promise<void>;
  /** Has its replica take over from a master, and loses nothing; connections stay open. Resolves to the new master. */
  failOver(master: RunningServer): Promise<RunningServer>;
  /** Waits until the other nodes agree that others serve the slots of `from`, which was killed or paused. */
  untilFailedOver(from: RunningServer): Promise<void>;
  /** Waits until all running nodes agree that all is well, and every replica among them is in sync. */
  untilReady(): Promise<void>;
  /** Moves a slot to another master in one step, as servers do that have CLUSTER MIGRATESLOTS (Valkey 9). */
  moveSlotAtomically(slot: number, to: RunningServer): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions extends DataServerOptions {
  /** 3 by default, which is the least that can agree on a failover. */
  masters?: number;
  /** Of each master; 1 by default. */
  replicas?: number;
}

const SLOTS = 16_384;
const READY_WITHIN_MS = 120_000;

const NODE: Settings = {
  "cluster-enabled": "yes",
  "cluster-node-timeout": "2000",
  "cluster-announce-ip": "127.0.0.1",
  // Any replica may take over, however long it was without its master.
  "cluster-replica-validity-factor": "0",
};

/** Starts a cluster and resolves once all its nodes agree and its replicas are in sync. */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { masters: masterCount = 3, replicas: replicaCount = 1 } = options;
  const certificates = certificatesOf(options);
  const shared = { ...options, tls: certificates ?? false };
  const role = certificates === undefined ? NODE : { ...NODE, "tls-cluster": "yes" };
  const size = masterCount * (1 + replicaCount);
  const nodes = await startAll(Array.from({ length: size }, () => startDataServer(shared, role)));
  return orStop(
    () => nodes,
    async () => {
      await form(nodes, masterCount);
      const stop = (): Promise<void> => stopAll(nodes);
      const cluster: RunningCluster = {
        nodes,
        masters: async () => {
          const ports = owners(await viewFrom(anyRunning(nodes))).map(({ port }) => port);
          return nodes.filter(({ port }) => ports.includes(port));
        },
        masterOf: async (key) => {
          const asked = anyRunning(nodes);
          const slot = await slotOf(asked, key);
          const owner = owners(await viewFrom(asked)).find(({ slots }) =>
            slots.some(([first, last]) => first <= slot && slot <= last),
          );
          const master = nodes.find(({ port }) => port === owner?.port);
          if (master === undefined) throw new Error(`Nobody serves slot ${slot}`);
          return master;
        },
        replicaOf: (master) => replicaOf(nodes, master),
        slotOf: (key) => slotOf(anyRunning(nodes), key),
        beginMove: (slot, to) => beginMove(nodes, slot, to),
        moveSlot: async (slot, to) => {
          const move = await beginMove(nodes, slot, to);
          await move.moveKeys();
          await move.finish();
        },
        failOver: (master) => failOver(nodes, master),
        untilFailedOver: async (from) => {
          const others = nodes.filter((node) => node !== from);
          await until(`others serve the slots of port ${from.port}`, READY_WITHIN_MS, async () =>
            (await allServed(others, from)) ? true : undefined,
          );
        },
        untilReady: async () => {
          await until("all nodes of the cluster agree", READY_WITHIN_MS, async () =>
            (await isReady(nodes, masterCount)) ? true : undefined,
          );
        },
        moveSlotAtomically: (slot, to) => moveSlotAtomically(nodes, slot, to),
        stop,
        [Symbol.asyncDispose]: stop,
      };
      await cluster.untilReady();
      return cluster;
    },
  );
}

/** Makes a cluster of empty nodes, as `redis-cli --cluster create` does. */
async function form(nodes: readonly RunningServer[], masterCount: number): Promise<void> {
  const masters = nodes.slice(0, masterCount);
  // Without epochs of their own the masters would have to settle first who is the elder.
  await Promise.all(nodes.map((node, at) => node.command("CLUSTER", "SET-CONFIG-EPOCH", String(at + 1))));
  await Promise.all(
    masters.map((master, at) => {
      const first = Math.ceil((SLOTS * at) / masterCount);
      const last = Math.ceil((SLOTS * (at + 1)) / masterCount) - 1;
      return master.command("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
    }),
  );
  const introducer = anyRunning(nodes);
  for (const { port } of nodes.filter((node) => node !== introducer)) {
    await introducer.command("CLUSTER", "MEET", "127.0.0.1", String(port));
  }
  await until("the nodes have met", READY_WITHIN_MS, async () => {
    const views = await Promise.all(nodes.map(viewFrom));
    const met = views.every((view) => view.filter(({ isLive }) => isLive).length === nodes.length);
    return met ? true : undefined;
  });
  const ids = await Promise.all(masters.map((master) => master.command("CLUSTER", "MYID")));
  await Promise.all(
    nodes
      .slice(masterCount)
      .map((replica, at) => replica.command("CLUSTER", "REPLICATE", String(ids[at % masterCount]))),
  );
}

async function isReady(nodes: readonly RunningServer[], masterCount: number): Promise<boolean> {
  const running = nodes.filter((node) => node.running);
  for (const node of running) {
    if (!(await isServed(node))) return false;
    const live = (await viewFrom(node)).filter(({ isLive }) => isLive);
    if (live.length !== running.length || owners(live).length !== masterCount) return false;
    // A master that comes back is one without slots until it learns whose replica it is now.
    if (live.some(({ isMaster, slots }) => isMaster && slots.length === 0)) return false;
    const { role, master_link_status: link } = await node.info("replication");
    if (role === "slave" && link !== "up") return false;
  }
  return haveAgreed(nodes);
}

async function slotOf(asked: RunningServer, key: string): Promise<number> {
  return Number(await asked.command("CLUSTER", "KEYSLOT", key));
}

async function replicaOf(nodes: readonly RunningServer[], master: RunningServer): Promise<RunningServer> {
  const view = await viewFrom(master);
  const self = view.find(({ isMyself }) => isMyself);
  const port = view.find(({ masterId, isLive }) => isLive && masterId === self?.id)?.port;
  const replica = nodes.find((node) => node.port === port);
  if (replica === undefined) throw new Error(`Port ${master.port} has no live replica`);
  return replica;
}

async function failOver(nodes: readonly RunningServer[], master: RunningServer): Promise<RunningServer> {
  const heir = await replicaOf(nodes, master);
  await heir.command("CLUSTER", "FAILOVER");
  await until(`port ${heir.port} takes over from ${master.port}`, READY_WITHIN_MS, async () => {
    const { role, master_port: follows } = await master.info("replication");
    if (role !== "slave" || follows !== String(heir.port)) return undefined;
    return (await allServed(nodes, master)) && (await haveAgreed(nodes)) ? true : undefined;
  });
  return heir;
}

async function allServed(others: readonly RunningServer[], from: RunningServer): Promise<boolean> {
  for (const node of others.filter(({ running }) => running)) {
    if (!(await isServed(node))) return false;
    if (owners(await viewFrom(node)).some(({ port }) => port === from.port)) return false;
  }
  return true;
}

/** Whether a node finds that live masters serve every slot. */
async function isServed(node: RunningServer): Promise<boolean> {
  if (!/^cluster_state:ok\r?$/m.test(String(await node.command("CLUSTER", "INFO")))) return false;
  const ranges = owners(await viewFrom(node)).flatMap(({ slots }) => slots);
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0) === SLOTS;
}

function anyRunning(nodes: readonly RunningServer[]): RunningServer {
  const running = nodes.find((node) => node.running && !node.paused);
  if (running === undefined) throw new Error("No node of the cluster is running");
  return running;
}
