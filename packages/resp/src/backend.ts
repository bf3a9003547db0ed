import type { ConnectionOptions } from "node:tls";
import type { FullStore } from "@kv/core";
import { checkOptions } from "@kv/core/driver";
import { type SafeClientOptions, safeClientOptions } from "./client-options.ts";
import { addressOf, type RespClient } from "./resp-client.ts";
import { type RespStoreOptions, respStore } from "./resp-store.ts";
import { parseServerUrl, type ServerAddress } from "./server-url.ts";

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
export interface ClientOptions extends RespStoreOptions {
  /** A client: plain, one that follows Sentinel, or a Cluster. It must have no `keyPrefix`. */
  readonly client: RespClient;
  /** Whether closing the store closes the client too: `false` unless told. */
  readonly closeClient?: boolean | undefined;
  /** Excludes `client`. */
  readonly url?: undefined;
}

/** What a client of our own is made with. */
export interface OwnClientOptions extends Omit<SafeClientOptions, "retryStrategy">, ServerAddress {
  /** It never connects again by itself. */
  readonly retryStrategy: () => null;
  /** There where the URL asks for TLS. */
  readonly tls?: ConnectionOptions;
}

/** What tells one backend from another. */
export interface Backend {
  /** As errors name it: `redis`. */
  readonly name: string;
  /** Loads the client's library, which takes longer than all else, and makes a client. */
  readonly makeClient: (options: OwnClientOptions) => Promise<RespClient>;
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
 * import { type Backend, backendStore } from "@kv/resp";
 * import { Redis } from "ioredis";
 *
 * const redis: Backend = { name: "redis", makeClient: async (options) => new Redis(options) };
 * const store = backendStore(redis, { url: "redis://localhost:6379" });
 * await store.close();
 * ```
 */
export function backendStore(backend: Backend, options: UrlOptions | ClientOptions): FullStore {
  checkOptions(options, options?.client === undefined ? knownWithUrl : knownWithClient);
  const { url, client } = options;
  if ((url === undefined) === (client === undefined)) {
    throw new TypeError("Pass either url or client.");
  }
  return client === undefined ? overUrl(backend, options) : overClient(backend, options);
}

function overUrl(backend: Backend, { url, tls, ...options }: UrlOptions): FullStore {
  const { address, tls: overTls } = parseServerUrl(url);
  if (tls !== undefined && !overTls) {
    throw new TypeError('With tls the url must begin with "rediss://" or "valkeys://".');
  }
  const open = (): Promise<RespClient> =>
    backend.makeClient({
      ...safeClientOptions({ timeout: options.timeout }),
      ...address,
      // A client that reconnects by itself keeps the process alive (L3): the store connects when there is a need.
      retryStrategy: () => null,
      ...(overTls && { tls: { ...tls } }),
    });
  const { host, port } = address;
  return respStore(
    `${backend.name} at ${host.includes(":") ? `[${host}]` : host}:${port}`,
    { open },
    options,
  );
}

function overClient(backend: Backend, { client, closeClient = false, ...options }: ClientOptions): FullStore {
  const { keyPrefix } = client.options as { readonly keyPrefix?: string | Uint8Array | null };
  if (keyPrefix !== undefined && keyPrefix !== null && keyPrefix.length > 0) {
    throw new TypeError(
      "The client has a keyPrefix, which listings would not see and removals would double. Make one without, and use namespace.",
    );
  }
  return respStore(`${backend.name} at ${addressOf(client)}`, { client, closeClient }, options);
}
