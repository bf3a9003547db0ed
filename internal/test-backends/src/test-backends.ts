import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FullStore } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { type ServerKind, startProxy, startStandalone } from "@kv/test-servers";
import { failingStore } from "./failing-store.ts";
import { openElsewhere, type StorePlace } from "./place.ts";

export interface TestBackend<P extends StorePlace | undefined = StorePlace | undefined> {
  readonly name: string;
  /** Opens a store with nothing in it. */
  open(): Promise<OpenBackend<P>>;
}

export interface OpenBackend<P extends StorePlace | undefined = StorePlace | undefined>
  extends AsyncDisposable {
  readonly store: FullStore;
  /** Where another process finds the same data, for `openElsewhere`; `undefined` where none can. */
  readonly place: P;
  /** From now on calls of `store` fail, those in flight included; other processes are not touched. */
  fail(): Promise<void>;
  /** Ends `fail`; the data is as it was. */
  heal(): Promise<void>;
  /** Closes the store and removes its data. */
  stop(): Promise<void>;
}

/** The backends whose data several processes share. */
export const sharedBackends: readonly TestBackend<StorePlace>[] = [
  { name: "file", open: openFiles },
  { name: "redis", open: () => openServer("redis") },
  { name: "valkey", open: () => openServer("valkey") },
];

/** Every backend, for `describe.each(testBackends)`. */
export const testBackends: readonly TestBackend[] = [{ name: "memory", open: openMemory }, ...sharedBackends];

async function openMemory(): Promise<OpenBackend<undefined>> {
  return openFailing(memoryStore(), undefined, async () => undefined);
}

async function openFiles(): Promise<OpenBackend<StorePlace>> {
  const directory = await mkdtemp(join(tmpdir(), "kv-test-backends-"));
  const place = { kind: "file", directory } as const;
  return openFailing(openElsewhere(place), place, () => rm(directory, { recursive: true, force: true }));
}

/** What cannot be made to fail by itself fails by a store before it. */
function openFailing<P extends StorePlace | undefined>(
  inner: FullStore,
  place: P,
  remove: () => Promise<void>,
): OpenBackend<P> {
  const { store, fail, heal } = failingStore(inner);
  const stop = async () => {
    await store.close();
    await remove();
  };
  return {
    store,
    place,
    fail: async () => fail(),
    heal: async () => heal(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function openServer(kind: ServerKind): Promise<OpenBackend<StorePlace>> {
  const server = await startStandalone({ kind });
  const proxy = await startProxy(server.port);
  const store = openElsewhere({ kind, url: proxy.through(server.url) });
  const stop = async () => {
    await store.close();
    await proxy.stop();
    await server.stop();
  };
  return {
    store,
    place: { kind, url: server.url },
    async fail() {
      await proxy.refuse();
      proxy.cut();
    },
    heal: () => proxy.heal(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
