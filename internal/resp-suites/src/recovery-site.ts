import type { FullStore } from "@kv/core";
import {
  type FaultProxy,
  handOver,
  type RunningServer,
  startCluster,
  startProxy,
  startReplication,
  startSentinel,
  until,
} from "@kv/test-servers";
import { type ClientLibrary, type ClientPlan, makeClient, type Target } from "./clients.ts";
import type { RespBackend } from "./contract.ts";
import { startProxies } from "./proxies.ts";

/**
 * How a store finds its server: by its URL, with a client that is passed in, with one that asks sentinels, or with one of a
 * cluster.
 */
export type Topology = "url" | "client" | "Sentinel" | "Sentinel, a sentinel too" | "Cluster";

/** A primary and its replica, which a store reaches through proxies. */
export interface Site extends AsyncDisposable {
  /** Of a cluster, the master that serves the key of the plan. */
  readonly primary: RunningServer;
  readonly replica: RunningServer;
  /** The targets of a fault: the primary, and then perhaps the sentinel that a store asks first. */
  readonly struck: readonly { readonly server: RunningServer; readonly proxy: FaultProxy }[];
  /** The port at which a store reaches a server. */
  portOf(server: RunningServer): number;
  /** The replica takes over by itself, and so perhaps without what was acknowledged last. */
  readonly replaces: boolean;
  /** Makes a store that goes through the proxies and has not connected yet. */
  open(namespace: string): FullStore;
  /** Makes one that goes to a server itself, or to the nodes of its cluster, for what must not fail. */
  openAt(server: RunningServer, namespace: string): FullStore;
  /** Has the replica take the place of the primary. Connections stay open. */
  demote(): Promise<void>;
  /** After the primary was killed or stopped: has it back, or another one in its place; resolves to the one that serves. */
  untilServed(): Promise<RunningServer>;
  /** Leads new connections to the replica, which has become the primary, where nobody else tells a store of it. */
  leadToReplica(): Promise<void>;
}

export interface SitePlan extends Pick<RespBackend, "kind" | "open"> {
  readonly topology: Topology;
  /** Of a client that is passed in. */
  readonly library: ClientLibrary | undefined;
  readonly timeoutMs: number;
  /** A key, as the servers have it: what befalls the primary befalls the server of this key. */
  readonly serverKey: string;
}

/** Starts servers and proxies that no other test uses. */
export function startSite(plan: SitePlan): Promise<Site> {
  if (plan.topology === "Cluster") return startNodes(plan);
  return plan.topology === "url" || plan.topology === "client" ? startAddress(plan) : startGroup(plan);
}

/** One address, behind which the servers may change. */
async function startAddress(plan: SitePlan): Promise<Site> {
  const { kind, topology } = plan;
  // What was answered is in the file of a server that is killed.
  const pair = await startReplication({ kind, args: ["--appendonly", "yes", "--appendfsync", "no"] });
  const { primary, replicas } = pair;
  const replica = replicas[0] as RunningServer;
  const proxy = await startProxy(primary.port);
  const stores = makeStores(plan);
  return {
    primary,
    replica,
    struck: [{ server: primary, proxy }],
    portOf: () => proxy.port,
    replaces: false,
    open: (namespace) =>
      topology === "url"
        ? stores.at(proxy.through(primary.url), namespace)
        : stores.over({ topology: "standalone", ports: [proxy.port] }, namespace),
    openAt: ({ url }, namespace) => plan.open({ url, namespace, timeout: "30s" }),
    demote: () => handOver(primary, replica),
    async untilServed() {
      if (primary.paused) primary.resume();
      else await primary.restart();
      await proxy.accept();
      return primary;
    },
    async leadToReplica() {
      proxy.leadTo(replica.port);
    },
    async [Symbol.asyncDispose]() {
      await stores.close();
      await proxy.stop();
      await pair.stop();
    },
  };
}

/** Sentinels that name a primary. Clients reach it, the replica and the sentinels through a proxy before each. */
async function startGroup(plan: SitePlan): Promise<Site> {
  const group = await startSentinel({ kind: plan.kind, replicas: 1 });
  const [primary, replica] = group.servers as [RunningServer, RunningServer];
  const [sentinel] = group.sentinels as [RunningServer];
  const proxies = await startProxies([...group.servers, ...group.sentinels]);
  const struck = plan.topology === "Sentinel" ? [primary] : [primary, sentinel];
  const stores = makeStores(plan);
  return {
    primary,
    replica,
    struck: struck.map((server) => ({ server, proxy: proxies.of(server) })),
    portOf: (server) => proxies.of(server).port,
    replaces: true,
    open(namespace) {
      const ports = group.sentinels.map((each) => proxies.of(each).port);
      return stores.over({ topology: "sentinel", ports, name: group.name }, namespace, {
        natMap: proxies.natMap,
      });
    },
    openAt: ({ url }, namespace) => plan.open({ url, namespace, timeout: "30s" }),
    demote: () => handOver(primary, replica),
    untilServed: () => group.untilFailedOver(primary),
    async leadToReplica() {
      // A sentinel closes the connections of what it makes a replica, and the old primary is one already.
      // It may have begun one by itself (INPROG), or not have heard of the replica for a moment (NOGOODSLAVE).
      await until("a sentinel begins a failover", 60_000, () =>
        sentinel
          .command("SENTINEL", "FAILOVER", group.name)
          .catch((error: Error) => {
            if (!error.message.startsWith("INPROG")) throw error;
          })
          .then(() => true),
      );
      await group.untilFailedOver(primary);
    },
    async [Symbol.asyncDispose]() {
      await stores.close();
      await proxies[Symbol.asyncDispose]();
      await group.stop();
    },
  };
}

/** A cluster, with a proxy before each node. A store asks first the one that will be struck. */
async function startNodes(plan: SitePlan): Promise<Site> {
  const { kind, serverKey } = plan;
  const cluster = await startCluster({ kind });
  const primary = await cluster.masterOf(serverKey);
  const replica = await cluster.replicaOf(primary);
  const proxies = await startProxies(cluster.nodes);
  const inOrder = [primary, ...cluster.nodes.filter((node) => node !== primary)];
  const stores = makeStores(plan);
  return {
    primary,
    replica,
    struck: [{ server: primary, proxy: proxies.of(primary) }],
    portOf: (server) => proxies.of(server).port,
    replaces: true,
    open(namespace) {
      const ports = inOrder.map((node) => proxies.of(node).port);
      return stores.over({ topology: "cluster", ports }, namespace, { natMap: proxies.natMap });
    },
    openAt(_, namespace) {
      const ports = cluster.nodes.filter(({ running, paused }) => running && !paused).map(({ port }) => port);
      return stores.over({ topology: "cluster", ports }, namespace, { timeout: "30s" });
    },
    async demote() {
      await cluster.failOver(primary);
    },
    async untilServed() {
      await cluster.untilFailedOver(primary);
      return replica;
    },
    async leadToReplica() {},
    async [Symbol.asyncDispose]() {
      await stores.close();
      await proxies[Symbol.asyncDispose]();
      await cluster.stop();
    },
  };
}

/** The stores and clients to close while the servers are still there. */
interface Stores {
  at(url: string, namespace: string): FullStore;
  /** Makes a store over a client that is passed in. Default: with the timeout of the plan. */
  over(target: Target, namespace: string, plan?: ClientPlan): FullStore;
  close(): Promise<void>;
}

function makeStores({ open, library, timeoutMs }: SitePlan): Stores {
  const ownTimeout = `${timeoutMs}ms` as const;
  const stores: FullStore[] = [];
  const clients: ReturnType<typeof makeClient>[] = [];
  const kept = (store: FullStore): FullStore => {
    stores.push(store);
    return store;
  };
  return {
    at: (url, namespace) => kept(open({ url, namespace, timeout: ownTimeout })),
    over(target, namespace, { natMap = {}, timeout = ownTimeout } = {}) {
      if (library === undefined) throw new Error("There is no library of that name.");
      const client = makeClient(library, target, { timeout, natMap });
      clients.push(client);
      return kept(open({ client, namespace, timeout }));
    },
    async close() {
      await Promise.allSettled(stores.map((store) => store.close())); // a silent server may hold it up
      for (const client of clients) client.disconnect();
    },
  };
}
