import { aboutCacheManager } from "../promises/cache-manager.ts";
import { CacheManagerStore, cacheManagerOnRedis } from "../stores/cache-manager-store.ts";
import { openOnRedis, versionsOnRedis } from "./on-redis.ts";
import type { PeerHarness } from "./peer-harness.ts";

export const about = aboutCacheManager("Redis");

export default {
  name: "cache-manager on Redis",
  capabilities: ["batch"],
  get versions() {
    return versionsOnRedis("cache-manager", "keyv", "@keyv/redis");
  },
  open: () => openOnRedis((url) => new CacheManagerStore(cacheManagerOnRedis(url))),
} satisfies PeerHarness;
