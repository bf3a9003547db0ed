import type { FullStore } from "@kv/core";
import type { RespClient } from "@kv/resp";
import { type RunningServer, startProxy } from "@kv/test-servers";
import type { Capability, Harness, Opened } from "@kv/testkit";
import { openInProcess, type ProcessStore } from "@kv/testkit/process";

/** `redisStore` or `valkeyStore`. */
export type Factory = (
  options:
    | { readonly url: string; readonly namespace?: string | null }
    | { readonly client: RespClient; readonly closeClient?: boolean; readonly namespace?: string | null },
) => FullStore;

const capabilities: readonly Capability[] = ["namespaces", "batch", "atomic", "listing", "expiry"];

/** Stores that open clients of their own, through a proxy that can make them fail. */
export function urlHarness(name: string, server: RunningServer, open: Factory, module: URL): Harness {
  return {
    name,
    capabilities,
    async open() {
      const namespace = freshNamespace();
      const proxy = await startProxy(server.port);
      const url = proxy.through(server.url);
      const cleanUp = new CleanUp();
      const store = cleanUp.store(open({ url, namespace }));
      return {
        store,
        openAgain: () => cleanUp.store(open({ url, namespace })),
        openElsewhere: () => cleanUp.process(module, [server.url, namespace]),
        openWithoutNamespace: () => cleanUp.store(open({ url, namespace: null })),
        untouched: () => proxy.traffic.accepted === 0,
        async fail() {
          await proxy.refuse();
          proxy.cut();
          return () => proxy.heal();
        },
        async dispose() {
          await cleanUp.all();
          await proxy.stop();
        },
      };
    },
  };
}

/** Stores over two clients that are there already, and stay. */
export function clientHarness(
  name: string,
  open: Factory,
  client: RespClient,
  second: RespClient,
  elsewhere?: (namespace: string) => { readonly module: URL; readonly args: readonly string[] },
): Harness {
  return {
    name,
    capabilities,
    open(): Opened {
      const namespace = freshNamespace();
      const cleanUp = new CleanUp();
      return {
        store: cleanUp.store(open({ client, namespace })),
        openAgain: () => cleanUp.store(open({ client: second, namespace })),
        openWithoutNamespace: () => cleanUp.store(open({ client, namespace: null })),
        ...(elsewhere !== undefined && {
          openElsewhere() {
            const { module, args } = elsewhere(namespace);
            return cleanUp.process(module, args);
          },
        }),
        dispose: () => cleanUp.all(),
      };
    },
  };
}

class CleanUp {
  readonly #stores: (FullStore | ProcessStore)[] = [];

  store(store: FullStore): FullStore {
    this.#stores.push(store);
    return store;
  }

  async process(module: URL, args: readonly string[]): Promise<ProcessStore> {
    const execArgv = ["--conditions=@kv/source", "--import", "tsx"];
    const store = await openInProcess(module, { args, execArgv });
    this.#stores.push(store);
    return store;
  }

  async all(): Promise<void> {
    for (const store of this.#stores) await store.close().catch(() => {}); // a process may have ended by itself
  }
}

function freshNamespace(): string {
  return `test-${crypto.randomUUID()}`;
}
