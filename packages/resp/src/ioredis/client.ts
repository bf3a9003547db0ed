import type { Buffer } from "node:buffer";
import { settlesWithin } from "@kv/core/driver";

/** A command of a client, whose parameters differ from client to client in ways that do not matter here. */
export type ClientCommand = (...args: never[]) => Promise<unknown>;

/** The methods that are called on a client: `Redis` and `Cluster` of ioredis and of iovalkey have them. */
export interface IoredisClient {
  readonly status: string;
  readonly isCluster?: boolean | undefined;
  readonly options: object;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  quit(): Promise<unknown>;
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

/** The methods that are called on a socket. */
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

/** Closes a client. QUIT waits for the commands of others, within the limit: a silent server would never answer it. */
export async function closeClient(client: IoredisClient, limitMs: number): Promise<void> {
  if (client.status === "ready") await settlesWithin(limitMs, client.quit().catch(ignoreError));
  if (client.status !== "end") client.disconnect();
}

function ignoreError(): void {}

/** Returns the socket of a client to one server, once there is one. */
export function socketOf(client: IoredisClient): ClientSocket | undefined {
  return (client as { readonly stream?: ClientSocket | null }).stream ?? undefined;
}

/** Tells whether the client may send commands again that were not answered when a connection was lost. */
export function sendsAgain(client: IoredisClient): boolean {
  return (client.options as { readonly maxRetriesPerRequest?: number | null }).maxRetriesPerRequest !== 0;
}

/** Returns the address in the client's options, `127.0.0.1:6379`; of a cluster or Sentinel those of the nodes that it names. */
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

function hostAndPort({ host = "localhost", port = 6379 }: ClientAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A startup node may be a URL with a password in it. */
function startupAddress(node: ClientAddress | string | number): string {
  if (typeof node === "object") return hostAndPort(node);
  if (typeof node === "number") return hostAndPort({ port: node });
  const url = node.includes("://") ? node : `redis://${node}`;
  if (!URL.canParse(url)) return "a node whose address is not a valid URL";
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === "" ? 6379 : port}`;
}
