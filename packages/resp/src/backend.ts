import type { ConnectionOptions } from "node:tls";
import type { Duration, FullStore } from "@kv/core";
import { checkOptions } from "@kv/core/driver";
import { type RespStoreOptions, respStore } from "./resp-store.ts";
import { parseServerUrl, type ServerAddress } from "./server-url.ts";
import type { ClusterTransport, Transport } from "./transport.ts";

/** A store that opens and closes a client of its own. */
export interface UrlOptions extends RespStoreOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` over TLS; `valkey://` and `valkeys://` say the same. */
  readonly url: string;
  /** Certificates and the like, for a URL that asks for TLS; those of the system unless told. */
  readonly tls?: ConnectionOptions | undefined;
  /** Excludes `url`. */
  readonly client?: undefined;
}

/** A store over a client that is there already. */
export interface ClientOptions<C> extends RespStoreOptions {
  /** A client: plain, one that follows Sentinel, or a Cluster. It must have no `keyPrefix`. */
  readonly client: C;
  /** Whether closing the store closes the client too: `false` unless told. */
  readonly closeClient?: boolean | undefined;
  /** Excludes `client`. */
  readonly url?: undefined;
}

/** Where a client of the store's own connects to. */
export interface OpenOptions {
  /** The server, and who asks. */
  readonly address: ServerAddress;
  /** There where the URL asks for TLS. */
  readonly tls?: ConnectionOptions | undefined;
  /** The store's `timeout`. */
  readonly timeout?: Duration | undefined;
}

/** What tells one backend from another: its name, and how it comes to a transport. */
export interface Backend<C> {
  /** As errors name it: `redis`. */
  readonly name: string;

  /**
   * Makes a client for one connection, not connected yet: each connection of the store's own gets another, so it must never connect
   * again by itself. A `StoreError` reaches the caller with its code; all else is `KV_UNAVAILABLE`.
   */
  open(options: OpenOptions): Promise<Transport>;

  /**
   * Takes a client that was passed in. One to a single server connects by its own rules; one to a cluster says how the
   * store connects to the nodes.
   *
   * @throws TypeError for a client that cannot serve
   */
  over(client: C): Transport | ClusterTransport;
}

const common: readonly string[] = ["namespace", "timeout", "url", "client"];
const knownWithClient: readonly string[] = [...common, "closeClient"];
const knownWithUrl: readonly string[] = [...common, "tls"];

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
  checkOptions(options, options?.client === undefined ? knownWithUrl : knownWithClient);
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
