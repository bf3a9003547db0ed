import { type FullStore, getOrSet } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { redisStore } from "@kv/redis";
import type { Peer, PeerStore } from "../peer.ts";

export const kv: Peer = {
  name: "@kv",
  open: (at) => seen(at.kind === "memory" ? memoryStore() : redisStore({ url: at.url })),
};

function seen(store: FullStore): PeerStore {
  return {
    own: store,
    set: (key, value, expiresInMs) =>
      store.set(key, value, expiresInMs === undefined ? {} : { expiresIn: { milliseconds: expiresInMs } }),
    get: (key) => store.get(key),
    delete: (key) => store.delete(key),
    clear: () => store.deleteAll(),
    namespace: (name) => seen(store.withNamespace(name)),
    close: () => store.close(),
    getOrSet: (key, compute) => getOrSet(store, key, compute, { lockFor: "10s" }),
    async keys() {
      const keys: string[] = [];
      for await (const key of store.keys()) keys.push(key);
      return keys;
    },
  };
}
