import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisDriver } from "bentocache/drivers/redis";
import { Redis } from "ioredis";
import type { Peer, PeerStore } from "../peer.ts";

export const bentocache: Peer = {
  name: "bentocache",
  open(at) {
    if (at.kind === "memory") {
      const store = bentostore().useL1Layer(memoryDriver({}));
      return seen(new BentoCache({ default: "all", stores: { all: store } }));
    }
    const connection = new Redis(at.url);
    connection.on("error", () => {});
    const store = bentostore().useL2Layer(redisDriver({ connection }));
    return seen(new BentoCache({ default: "all", stores: { all: store } }));
  },
};

type Bento = BentoCache<{ all: ReturnType<typeof bentostore> }>;
type Namespace = ReturnType<Bento["namespace"]>;

function seen(bento: Bento, cache: Bento | Namespace = bento): PeerStore {
  return {
    own: cache,
    set: (key, value, expiresInMs) =>
      cache.set({ key, value, ...(expiresInMs !== undefined && { ttl: expiresInMs }) }),
    get: (key) => cache.get({ key }),
    delete: (key) => cache.delete({ key }),
    clear: () => cache.clear(),
    namespace: (name) => seen(bento, cache.namespace(name)),
    close: () => bento.disconnectAll(),
    getOrSet: (key, compute) => cache.getOrSet({ key, factory: compute }),
  };
}
