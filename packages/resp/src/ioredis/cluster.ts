import { guarded } from "@kv/core/driver";
import type { ClusterTransport, NodeAddress, Transport } from "../transport.ts";
import { addressOf, closeClient, type IoredisClient } from "./client.ts";
import { IoredisTransport } from "./transport.ts";

/** A Cluster of ioredis or iovalkey: it is asked for its options alone, and never connects for the store. */
export class IoredisCluster implements ClusterTransport {
  readonly address: string;
  readonly #client: IoredisClient & InsideOfCluster;
  /** What a start node has of its own, such as a password in its URL, by host and port. */
  readonly #options = new Map<string, object>();
  #template: NodeClient | undefined;

  constructor(client: IoredisClient) {
    this.#client = client as IoredisClient & InsideOfCluster;
    this.address = addressOf(client);
  }

  /** A client that has given up by itself is not closed: the store does not use it. */
  get closed(): boolean {
    return this.#client.status === "end" && this.#client.manuallyClosing === true;
  }

  /** One that has a name nobody knows does not matter as long as another one is known. */
  async startNodes(): Promise<readonly NodeAddress[]> {
    const { startupNodes } = this.#client;
    const resolved = await Promise.allSettled(startupNodes.map((node) => this.#resolve(node)));
    const nodes = resolved.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    const failed = resolved.find((each) => each.status === "rejected");
    if (nodes.length === 0 && failed !== undefined) throw failed.reason;
    return nodes;
  }

  async open(node: NodeAddress): Promise<Transport> {
    const { natMap } = this.#client.options as { readonly natMap?: NatMap | null };
    const key = keyOf(node);
    const mapped = (typeof natMap === "function" ? natMap(key) : natMap?.[key]) ?? node;
    this.#template ??= nodeClient(this.#client);
    const options = this.#options.get(keyOf(mapped));
    const client = this.#template.duplicate({ ...options, ...mapped, ...ownOptions });
    client.on("error", guarded(ignoreError)); // without a listener it would be printed
    return new IoredisTransport(client);
  }

  close(limitMs: number): Promise<void> {
    return closeClient(this.#client, limitMs);
  }

  /** As the client itself does it: names are looked up, SRV records too where it is told so. */
  async #resolve(startupNode: unknown): Promise<NodeAddress[]> {
    const one = Object.create(this.#client, { startupNodes: { value: [startupNode] } }) as InsideOfCluster;
    const nodes = await one.resolveStartupNodeHostnames();
    return nodes.map(({ host = "127.0.0.1", port = 6379, ...options }) => {
      const address = { host, port: Number(port) };
      this.#options.set(keyOf(address), options);
      return address;
    });
  }
}

/** Under these a client serves one connection, and sends nothing twice, whatever the options of the cluster's client say. */
const ownOptions = {
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  reconnectOnError: null,
  commandTimeout: undefined,
  readOnly: false,
  db: 0, // a cluster has no other
  path: null,
  retryStrategy: () => null,
} as const;

type NatMap =
  | Readonly<Record<string, NodeAddress | undefined>>
  | ((key: string) => NodeAddress | null | undefined);

interface NodeClient extends IoredisClient {
  duplicate(options: object): IoredisClient;
}

/** What no page of the clients' tells: where a cluster begins, and how it makes the clients to its nodes. */
interface InsideOfCluster {
  readonly startupNodes: readonly unknown[];
  /** Whether its owner has closed it. */
  readonly manuallyClosing?: boolean;
  resolveStartupNodeHostnames(): Promise<
    readonly { readonly host?: string; readonly port?: number | string; readonly [option: string]: unknown }[]
  >;
  readonly connectionPool: {
    constructor: unknown;
    findOrCreate(node: object): unknown;
    getNodes(role: string): readonly NodeClient[];
  };
}

/** A client as the cluster's client makes them, of the same library: it never connects, and others are made after it. */
function nodeClient({ connectionPool, options }: IoredisClient & InsideOfCluster): NodeClient {
  const ConnectionPool = connectionPool.constructor as new (options: unknown) => typeof connectionPool;
  const pool = new ConnectionPool((options as { readonly redisOptions?: object }).redisOptions ?? {});
  pool.findOrCreate({ host: "127.0.0.1", port: 6379 });
  return pool.getNodes("all")[0] as NodeClient;
}

function keyOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}

function ignoreError(): void {}
