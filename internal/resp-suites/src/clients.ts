import type { Duration, FullStore } from "@kv/core";
import {
  type ClientOptions,
  type IoredisClient,
  safeClientOptions,
  safeClusterOptions,
  type UrlOptions,
} from "@kv/resp";

/** ioredis or iovalkey. */
export interface ClientLibrary {
  readonly Redis: new (options: never) => unknown;
  readonly Cluster: new (nodes: never, options: never) => unknown;
}

/** `redisStore` or `valkeyStore`. */
export type Factory = (options: UrlOptions | ClientOptions<IoredisClient>) => FullStore;

/** The same with patience: no rule says how long a call takes, and a machine may be busy. */
export function patient(open: Factory): Factory {
  return (options) => open({ timeout: "60s", ...options });
}

/** The servers that a client is to find, in a form that can be handed to another process. */
export interface Target {
  readonly topology: "standalone" | "cluster" | "sentinel";
  readonly ports: readonly number[];
  /** Of the primary, for Sentinel. */
  readonly name?: string;
}

/** The options of a test client. */
export interface ClientPlan {
  /** As for the exported options. Default: 5 s. */
  readonly timeout?: Duration;
  /** The addresses by which servers are reached, by those that sentinels, or the nodes of a cluster, announce. */
  readonly natMap?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
}

/** A client with the options that are exported for people who make their own. */
export function makeClient(
  { Redis, Cluster }: ClientLibrary,
  { topology, ports, name }: Target,
  { timeout, natMap }: ClientPlan = {},
): IoredisClient {
  const addresses = ports.map((port) => ({ host: "127.0.0.1", port }));
  const client = {
    standalone: () => new Redis({ ...addresses[0], ...safeClientOptions({ timeout }) } as never),
    sentinel: () =>
      new Redis({ sentinels: addresses, name, natMap, ...safeClientOptions({ timeout }) } as never),
    cluster: () => new Cluster(addresses as never, { natMap, ...safeClusterOptions({ timeout }) } as never),
  }[topology]() as IoredisClient;
  client.on("error", () => {}); // else it prints
  return client;
}
