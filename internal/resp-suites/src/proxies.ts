import { type FaultProxy, type RunningServer, startProxy } from "@kv/test-servers";
import type { ClientPlan } from "./clients.ts";

/** A proxy before each of the servers that clients learn of from others. */
export interface Proxies extends AsyncDisposable {
  of(server: RunningServer): FaultProxy;
  /** The options that lead a client to the proxies. */
  readonly natMap: NonNullable<ClientPlan["natMap"]>;
}

export async function startProxies(servers: readonly RunningServer[]): Promise<Proxies> {
  const proxies = new Map<RunningServer, FaultProxy>();
  for (const server of servers) proxies.set(server, await startProxy(server.port));
  const addresses = Array.from(proxies, ([server, { host, port }]) => [
    `${server.host}:${server.port}`,
    { host, port },
  ]);
  return {
    of: (server) => proxies.get(server) as FaultProxy,
    natMap: Object.fromEntries(addresses),
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(proxies.values(), (proxy) => proxy.stop()));
    },
  };
}
