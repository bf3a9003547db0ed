import type { Buffer } from "node:buffer";

/** A command of a client; what it takes differs from client to client in ways that do not matter here. */
export type ClientCommand = (...args: never[]) => Promise<unknown>;

/** What is called of a client: `Redis` and `Cluster` of ioredis and of iovalkey have it. */
export interface IoredisClient {
  readonly status: string;
  readonly isCluster?: boolean | undefined;
  readonly options: object;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  quit(): Promise<unknown>;
  /** Of a cluster: it asks which node serves which keys now. It does nothing while it is at it. */
  refreshSlotsCache?(): void;
  // oxlint-disable-next-line typescript/no-explicit-any -- every listener must fit
  on(event: string, listener: (...args: any[]) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- every listener must fit
  off(event: string, listener: (...args: any[]) => void): unknown;

  getBuffer: ClientCommand;
  mgetBuffer: ClientCommand;
  set: ClientCommand;
  mset: ClientCommand;
  unlink: ClientCommand;
  exists: ClientCommand;
  pttl: ClientCommand;
  scanBuffer: ClientCommand;
  eval: ClientCommand;
  evalsha: ClientCommand;
}

/** The part of a socket that is used. */
export interface ClientSocket {
  readonly writable: boolean;
  readonly bytesRead: number;
  cork(): unknown;
  uncork(): unknown;
  ref(): unknown;
  unref(): unknown;
  write(chunk: string | Buffer, encoding?: BufferEncoding): unknown;
  destroy(): unknown;
}

/** The connections to the masters: of a cluster one to each, else the client itself. */
export function mastersOf(client: IoredisClient): readonly IoredisClient[] {
  return client.isCluster === true ? nodesOf(client, "master") : [client];
}

/** The sockets that a client writes to just now. */
export function socketsOf(client: IoredisClient): ClientSocket[] {
  const connections = client.isCluster === true ? nodesOf(client, "all") : [client];
  return connections.map(socketOf).filter((socket) => socket !== undefined);
}

/** The socket of a client that is no cluster, once there is one. */
export function socketOf(client: IoredisClient): ClientSocket | undefined {
  return (client as { readonly stream?: ClientSocket | null }).stream ?? undefined;
}

/** Whether the client may send again what was sent and not answered when a connection is lost. */
export function sendsAgain(client: IoredisClient): boolean {
  return (client.options as { readonly maxRetriesPerRequest?: number | null }).maxRetriesPerRequest !== 0;
}

/** `127.0.0.1:6379`, as the client's options have it; of a cluster or Sentinel the first that is named. */
export function addressOf(client: IoredisClient): string {
  const { host, port, path, name, sentinels } = client.options as ClientAddress;
  if (sentinels !== undefined && sentinels !== null) {
    return `${name ?? "a master"} by Sentinel at ${sentinels.map(hostAndPort).join(", ")}`;
  }
  if (client.isCluster === true) {
    const { startupNodes = [] } = client as {
      readonly startupNodes?: readonly (ClientAddress | string | number)[];
    };
    return `the cluster at ${startupNodes.map(startupAddress).join(", ")}`;
  }
  return path ?? hostAndPort({ host, port });
}

interface ClientAddress {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly path?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly sentinels?: readonly ClientAddress[] | null | undefined;
}

function nodesOf(client: IoredisClient, role: "all" | "master"): readonly IoredisClient[] {
  return (client as unknown as { nodes(role: string): readonly IoredisClient[] }).nodes(role);
}

function hostAndPort({ host = "localhost", port = 6379 }: ClientAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A startup node may be a URL with a password in it. */
function startupAddress(node: ClientAddress | string | number): string {
  if (typeof node === "object") return hostAndPort(node);
  if (typeof node === "number") return hostAndPort({ port: node });
  const { hostname, port } = new URL(node.includes("://") ? node : `redis://${node}`);
  return `${hostname}:${port === "" ? 6379 : port}`;
}
