import { createCache } from "cache-manager";
import type { Keyv } from "keyv";
import type { Peer, PeerStore } from "../peer.ts";
import { newKeyv } from "./keyv.ts";

export const cacheManager: Peer = {
  name: "cache-manager",
  open(at) {
    const root =
      at.kind === "memory" ? createCache() : createCache({ stores: [newKeyv(at, new Map(), undefined)] });
    return seen(root, (namespace) => newKeyv(at, new Map(), namespace));
  },
};

type Cache = ReturnType<typeof createCache>;

/** It has no namespaces of its own: those of Keyv are used. */
function seen(cache: Cache, make: (namespace: string) => Keyv, path: readonly string[] = []): PeerStore {
  const children: PeerStore[] = [];
  return {
    own: cache,
    set: (key, value, expiresInMs) => cache.set(key, value, expiresInMs),
    get: (key) => cache.get(key),
    delete: (key) => cache.del(key),
    clear: () => cache.clear(),
    namespace(name) {
      const childPath = [...path, name];
      const child = seen(createCache({ stores: [make(childPath.join(":"))] }), make, childPath);
      children.push(child);
      return child;
    },
    async close() {
      await Promise.all([cache.disconnect(), ...children.map((child) => child.close())]);
    },
    getOrSet: (key, compute) => cache.wrap(key, compute),
  };
}
