import { createStorage, prefixStorage, type Storage } from "unstorage";
import memoryDriver from "unstorage/drivers/memory";
import redisDriver from "unstorage/drivers/redis";
import type { Peer, PeerStore } from "../peer.ts";

export const unstorage: Peer = {
  name: "unstorage",
  open(at) {
    const driver = at.kind === "memory" ? memoryDriver() : redisDriver({ url: at.url });
    if (at.kind === "Redis") driver.getInstance?.().on("error", () => {});
    return seen(createStorage({ driver }));
  },
};

function seen(storage: Storage): PeerStore {
  return {
    own: storage,
    // Expiry is told to the driver, in seconds.
    set: (key, value, expiresInMs) =>
      storage.setItemRaw(key, value, expiresInMs === undefined ? {} : { ttl: expiresInMs / 1_000 }),
    get: (key) => storage.getItemRaw(key),
    delete: (key) => storage.removeItem(key),
    clear: () => storage.clear(),
    namespace: (name) => seen(prefixStorage(storage, name)),
    close: () => storage.dispose(),
    keys: () => storage.getKeys(),
  };
}
