import type { FullStore, Store } from "@kv/core";
import { startCluster, startProxy, startSentinel, startStandalone } from "@kv/test-servers";
import { soak } from "@kv/test-support";
import type { Capability, Harness } from "@kv/testkit";
import { type IdleProcess, openInProcess, type ProcessStore } from "@kv/testkit/process";
import { testStore } from "@kv/testkit/vitest";
import { afterAll } from "vitest";
import { type ClientLibrary, type Factory, makeClient, patient, type Target } from "./clients.ts";

/** One way to a server: through a URL, or with a client of one of the libraries. */
export interface Way {
  readonly topology: "url" | Target["topology"];
  /** The name of the library, in its package's `libraries`. */
  readonly library?: string;
}

export interface RespBackend {
  readonly kind: "redis" | "valkey";
  readonly open: Factory;
  readonly libraries: Readonly<Record<string, ClientLibrary>>;
  /** Serves a store in another process; see `ProcessArguments`. */
  readonly module: URL;
  /** The part of the ordinary test run; `KV_SOAK=1` tries every way. */
  readonly sample: readonly Way[];
}

/** The servers for a process that serves a store, as JSON. */
export type ProcessArguments =
  | { readonly url: string }
  | { readonly library: string; readonly target: Target };

const capabilities: readonly Capability[] = ["namespaces", "batch", "atomic", "listing", "expiry"];

/** Registers the whole contract for each way to a backend's servers. */
export async function testContract(given: RespBackend): Promise<void> {
  const backend = { ...given, open: patient(given.open) };
  for (const way of soak ? everyWay(backend) : backend.sample) {
    const harness =
      way.topology === "url"
        ? await urlHarness(backend)
        : await clientHarness(backend, way.topology, way.library ?? "");
    testStore(harness, soak ? {} : { runs: 10 });
  }
}

function everyWay({ libraries }: RespBackend): Way[] {
  const topologies = ["standalone", "cluster", "sentinel"] as const;
  const withClients = Object.keys(libraries).flatMap((library) =>
    topologies.map((topology) => ({ topology, library })),
  );
  return [{ topology: "url" }, ...withClients];
}

/** Stores that open clients of their own, through a proxy that can make them fail. */
async function urlHarness({ kind, open, module }: RespBackend): Promise<Harness> {
  const server = await startStandalone({ kind });
  afterAll(() => server.stop());
  const elsewhere = anotherProcess(module, { url: server.url });
  return {
    name: `${kind}Store({ url })`,
    capabilities,
    async open() {
      const namespace = freshNamespace();
      const proxy = await startProxy(server.port);
      const url = proxy.through(server.url);
      const opened: Store[] = [];
      const impatient: Store[] = [];
      return {
        store: kept(opened, open({ url, namespace })),
        openAgain: () => kept(opened, open({ url, namespace })),
        openElsewhere: async () => kept(opened, await elsewhere(namespace)),
        openImpatient: (timeoutMs) => kept(impatient, open({ url, namespace, timeout: `${timeoutMs}ms` })),
        openWithoutNamespace: () => kept(opened, open({ url, namespace: null })),
        untouched: () => proxy.traffic.accepted === 0,
        async fail() {
          await proxy.refuse();
          proxy.cut();
          return () => proxy.heal();
        },
        async dispose() {
          await emptied(open({ url: server.url, namespace }));
          await Promise.allSettled(impatient.map((store) => store.close())); // may take longer than they wait
          await closed(opened);
          await proxy.stop();
        },
      };
    },
  };
}

/** Stores over two clients that are there already, and stay. */
async function clientHarness(
  { kind, open, libraries, module }: RespBackend,
  topology: Target["topology"],
  library: string,
): Promise<Harness> {
  const clients = libraries[library];
  if (clients === undefined) throw new Error(`There is no library ${library}.`);
  const target = await startTarget(kind, topology);
  const client = makeClient(clients, target);
  const second = makeClient(clients, target);
  afterAll(() => {
    client.disconnect();
    second.disconnect();
  });
  const elsewhere = anotherProcess(module, { library, target });
  return {
    name: `${kind}Store({ client }), ${topology}, ${library}`,
    capabilities,
    open() {
      const namespace = freshNamespace();
      const opened: Store[] = [];
      const impatient: Store[] = [];
      return {
        store: kept(opened, open({ client, namespace })),
        openAgain: () => kept(opened, open({ client: second, namespace })),
        openElsewhere: async () => kept(opened, await elsewhere(namespace)),
        openImpatient: (timeoutMs) =>
          // On a client of its own: it may give up the connection, and others need theirs.
          kept(
            impatient,
            open({
              client: makeClient(clients, target),
              closeClient: true,
              namespace,
              timeout: `${timeoutMs}ms`,
            }),
          ),
        openWithoutNamespace: () => kept(opened, open({ client, namespace: null })),
        async dispose() {
          await emptied(open({ client: second, namespace }));
          await Promise.allSettled(impatient.map((store) => store.close())); // may take longer than they wait
          await closed(opened);
        },
      };
    },
  };
}

async function startTarget(kind: "redis" | "valkey", topology: Target["topology"]): Promise<Target> {
  if (topology === "cluster") {
    const cluster = await startCluster({ kind });
    afterAll(() => cluster.stop());
    return { topology, ports: cluster.nodes.slice(0, 3).map(({ port }) => port) };
  }
  if (topology === "sentinel") {
    const group = await startSentinel({ kind, downAfterMs: 600_000 });
    afterAll(() => group.stop());
    return { topology, ports: group.sentinels.map(({ port }) => port), name: group.name };
  }
  const server = await startStandalone({ kind });
  afterAll(() => server.stop());
  return { topology, ports: [server.port] };
}

/** Stores of another process: one for all, except for the case that lets it end by itself. */
function anotherProcess(
  module: URL,
  told: ProcessArguments,
): (namespace: string) => Promise<Store & IdleProcess> {
  const start = (): Promise<ProcessStore> =>
    openInProcess(module, {
      args: [JSON.stringify(told)],
      execArgv: ["--conditions=@kv/source", "--import", "tsx"],
    });
  let shared: Promise<ProcessStore> | undefined;
  afterAll(async () => {
    await (await shared)?.close();
  });
  return async (namespace) => {
    shared ??= start();
    return Object.assign((await shared).withNamespace(namespace), {
      async endIdle() {
        const own = await start();
        await own.withNamespace(namespace).set("a connection", "and then nothing");
        return own.endIdle();
      },
    });
  };
}

function kept<S extends Store>(opened: Store[], store: S): S {
  opened.push(store);
  return store;
}

async function emptied(store: FullStore): Promise<void> {
  await store.deleteAll(); // a server that fills up makes every walk longer
  await store.close();
}

async function closed(stores: readonly Store[]): Promise<void> {
  for (const store of stores) await store.close();
}

function freshNamespace(): string {
  return `test-${crypto.randomUUID()}`;
}
