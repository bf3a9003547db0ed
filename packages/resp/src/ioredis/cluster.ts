import { guarded } from "@kv/core/driver";
import type { ClusterTransport, NodeAddress, Transport } from "../transport/transport.ts";
import { addressOf, closeClient, type IoredisClient } from "./client.ts";
import { IoredisTransport } from "./transport.ts";

/** A cluster transport over a Cluster of ioredis or iovalkey, of which only the options are used: it never connects for the store. */
export class IoredisCluster implements ClusterTransport {
  readonly address: string;
  readonly #client: IoredisClient & ClusterInternals;
  /** The options of each start node, such as a password in its URL, by host and port. */
  readonly #options = new Map<string, object>();
  #template: NodeClient | undefined;

  constructor(client: IoredisClient) {
    this.#client = client as IoredisClient & ClusterInternals;
    this.address = addressOf(client);
  }

  /** A client that gave up by itself does not count as closed: the store does not use it. */
  get closed(): boolean {
    return this.#client.status === "end" && this.#client.manuallyClosing === true;
  }

  /** A node whose name cannot be resolved does not matter as long as another can. */
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

  /** Resolves a node as the client itself does: by DNS, and by SRV records where its options say so. */
  async #resolve(startupNode: unknown): Promise<NodeAddress[]> {
    const one = Object.create(this.#client, { startupNodes: { value: [startupNode] } }) as ClusterInternals;
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

/** Undocumented parts of a cluster's client: its start nodes, and the pool that makes the clients to the nodes. */
interface ClusterInternals {
  readonly startupNodes: readonly unknown[];
  /** Its owner has closed it. */
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

/** Makes a client as the cluster's client does, of the same library: it never connects, and serves as the template of others. */
function nodeClient({ connectionPool, options }: IoredisClient & ClusterInternals): NodeClient {
  const ConnectionPool = connectionPool.constructor as new (options: unknown) => typeof connectionPool;
  const pool = new ConnectionPool((options as { readonly redisOptions?: object }).redisOptions ?? {});
  pool.findOrCreate({ host: "127.0.0.1", port: 6379 });
  return pool.getNodes("all")[0] as NodeClient;
}

function keyOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}

function ignoreError(): void {}
