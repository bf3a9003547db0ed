import type { Store } from "@kv/core";
import { settlesWithin } from "@kv/core/driver";
import { type RunningServer, startProxy, startStandalone } from "@kv/test-servers";
import type { Opened } from "@kv/testkit";
import { installedVersions } from "./peer-harness.ts";

const databases = 20_000;
let server: Promise<RunningServer> | undefined;
let serverVersion: string | undefined;
let nextDatabase = 0;

/** Gives the versions of libraries, and once a store was opened that of the server too. */
export function versionsOnRedis(...libraries: readonly string[]): Record<string, string> {
  return {
    ...installedVersions(...libraries),
    ...(serverVersion !== undefined && { "Redis server": serverVersion }),
  };
}

/**
 * Opens a store on a database of its own, on a real Redis that this process starts once, and that ends with it. A proxy
 * stands before it, which can make it fail.
 */
export async function openOnRedis(open: (url: string) => Store): Promise<Opened> {
  server ??= startStandalone({ kind: "redis", args: ["--databases", String(databases)] });
  const { port, url, version } = await server;
  serverVersion = version;
  const proxy = await startProxy(port);
  const ownUrl = `${proxy.through(url)}/${nextDatabase % databases}`;
  nextDatabase += 1;
  const opened: Store[] = [];
  const openAgain = (): Store => {
    const store = open(ownUrl);
    opened.push(store);
    return store;
  };
  return {
    store: openAgain(),
    openAgain,
    untouched: () => proxy.traffic.accepted === 0,
    async fail() {
      await proxy.refuse();
      proxy.cut();
      return () => proxy.heal();
    },
    async dispose() {
      await proxy.heal();
      // A client may wait for what it never gets; without its connection it has an end.
      await settlesWithin(2_000, Promise.allSettled(opened.map((store) => store.close())));
      await proxy.stop();
    },
  };
}
