import type { Buffer } from "node:buffer";
import { hasLongArgument, inParts } from "./parts.ts";

/** A command of a client; what it takes differs from client to client in ways that do not matter here. */
export type ClientCommand = (...args: never[]) => Promise<unknown>;

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

/** What is called of a client: `Redis` and `Cluster` of ioredis and of iovalkey have it. */
export interface RespClient {
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

export type CommandName =
  | "getBuffer"
  | "getdelBuffer"
  | "mgetBuffer"
  | "set"
  | "mset"
  | "unlink"
  | "exists"
  | "pttl"
  | "scanBuffer"
  | "evalBuffer"
  | "evalshaBuffer";

/** Neither client takes a plain Uint8Array for bytes. */
export type Argument = string | Buffer;

export function sendCommand(
  client: RespClient,
  name: CommandName,
  args: readonly Argument[],
): Promise<unknown> {
  // Some of those that answer with bytes are missing in the clients' types.
  const commands = (hasLongArgument(args) ? inParts(client) : client) as unknown as Record<
    CommandName,
    (...args: readonly Argument[]) => Promise<unknown>
  >;
  return commands[name](...args);
}

/** The connections to the masters: of a cluster one to each, else the client itself. */
export function mastersOf(client: RespClient): readonly RespClient[] {
  return client.isCluster === true ? nodesOf(client, "master") : [client];
}

/** The sockets that a client writes to just now. */
export function socketsOf(client: RespClient): ClientSocket[] {
  const connections = client.isCluster === true ? nodesOf(client, "all") : [client];
  return connections.map(socketOf).filter((socket) => socket !== undefined);
}

/** The socket of a client that is no cluster, once there is one. */
export function socketOf(client: RespClient): ClientSocket | undefined {
  return (client as { readonly stream?: ClientSocket | null }).stream ?? undefined;
}

/** Whether the client may send again what was sent and not answered when a connection is lost. */
export function sendsAgain(client: RespClient): boolean {
  return (client.options as { readonly maxRetriesPerRequest?: number | null }).maxRetriesPerRequest !== 0;
}

/** `127.0.0.1:6379`, as the client's options have it; of a cluster or Sentinel the first that is named. */
export function addressOf(client: RespClient): string {
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

function nodesOf(client: RespClient, role: "all" | "master"): readonly RespClient[] {
  return (client as unknown as { nodes(role: string): readonly RespClient[] }).nodes(role);
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
