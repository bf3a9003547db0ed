import type { ConnectionOptions } from "node:tls";
import type { Duration, FullStore } from "@kv/core";
import { checkOptions } from "@kv/core/driver";
import type { ClusterTransport, Transport } from "../transport/transport.ts";
import { type RespStoreOptions, respStore } from "./resp-store.ts";
import { parseServerUrl, type ServerAddress } from "./server-url.ts";

/** The options of a store that opens and closes its own client. */
export interface UrlOptions extends RespStoreOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` over TLS; `valkey://` and `valkeys://` mean the same. */
  readonly url: string;
  /** TLS options such as certificates, for a URL with TLS. Default: the certificates of the system. */
  readonly tls?: ConnectionOptions | undefined;
  /** Excludes `url`. */
  readonly client?: undefined;
}

/** The options of a store over an existing client. */
export interface ClientOptions<C> extends RespStoreOptions {
  /** The client: plain, one that follows Sentinel, or a Cluster. It must have no `keyPrefix`. */
  readonly client: C;
  /** Closes the client, too, when the store is closed. Default: `false`. */
  readonly closeClient?: boolean | undefined;
  /** Excludes `client`. */
  readonly url?: undefined;
}

/** The options of a client that the store opens by itself. */
export interface OpenOptions {
  /** The server, its database and the credentials. */
  readonly address: ServerAddress;
  /** The TLS options, where the URL asks for TLS. */
  readonly tls?: ConnectionOptions | undefined;
  /** The store's `timeout`. */
  readonly timeout?: Duration | undefined;
}

/** One backend: its name, and how it makes transports. */
export interface Backend<C> {
  /** Its name in errors: `redis`. */
  readonly name: string;

  /**
   * Makes a client for one connection, not connected yet. Each connection gets a new client, so a client must never reconnect
   * by itself. A `StoreError` reaches the caller with its code; any other error becomes `KV_UNAVAILABLE`.
   */
  open(options: OpenOptions): Promise<Transport>;

  /**
   * Makes the transport over a client that was passed in. A client to a single server connects by its own rules; one to a
   * cluster tells how the store connects to the nodes.
   *
   * @throws TypeError for a client that cannot be used
   */
  over(client: C): Transport | ClusterTransport;
}

const commonOptions: readonly string[] = ["namespace", "timeout", "url", "client"];
const clientOptions: readonly string[] = [...commonOptions, "closeClient"];
const urlOptions: readonly string[] = [...commonOptions, "tls"];

/**
 * Makes the store of a backend, over a URL or a client of its library.
 *
 * @throws TypeError for options that do not fit
 *
 * @example
 * ```ts
 * import { backendStore, ioredisBackend } from "@kv/resp";
 *
 * const redis = ioredisBackend("redis", "ioredis", () => import("ioredis"));
 * const store = backendStore(redis, { url: "redis://localhost:6379" });
 * await store.close();
 * ```
 */
export function backendStore<C>(backend: Backend<C>, options: UrlOptions | ClientOptions<C>): FullStore {
  checkOptions(options, options?.client === undefined ? urlOptions : clientOptions);
  const { url, client } = options;
  if ((url === undefined) === (client === undefined)) {
    throw new TypeError("Pass either url or client.");
  }
  return isOverUrl(options) ? overUrl(backend, options) : overClient(backend, options);
}

function isOverUrl<C>(options: UrlOptions | ClientOptions<C>): options is UrlOptions {
  return options.url !== undefined;
}

function overUrl<C>(backend: Backend<C>, { url, tls, ...options }: UrlOptions): FullStore {
  const { address, tls: overTls } = parseServerUrl(url);
  if (tls !== undefined && !overTls) {
    throw new TypeError('With tls the url must begin with "rediss://" or "valkeys://".');
  }
  const { timeout } = options;
  const open = (): Promise<Transport> =>
    backend.open({ address, timeout, tls: overTls ? { ...tls } : undefined });
  const { host, port } = address;
  return respStore(
    `${backend.name} at ${host.includes(":") ? `[${host}]` : host}:${port}`,
    { open },
    options,
  );
}

function overClient<C>(
  backend: Backend<C>,
  { client, closeClient = false, ...options }: ClientOptions<C>,
): FullStore {
  const over = backend.over(client);
  const source = "open" in over ? { cluster: over } : { transport: over };
  return respStore(`${backend.name} at ${over.address}`, { ...source, close: closeClient }, options);
}
