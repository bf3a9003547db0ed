import { aboutCacheManager } from "../promises/cache-manager.ts";
import { CacheManagerStore, cacheManagerInMemory } from "../stores/cache-manager-store.ts";
import { installedVersions, type PeerHarness } from "./peer-harness.ts";

export const about = aboutCacheManager("memory");

export default {
  name: "cache-manager in memory",
  capabilities: ["batch"],
  inMemory: true,
  versions: installedVersions("cache-manager", "keyv"),
  open: () => ({ store: new CacheManagerStore(cacheManagerInMemory()) }),
} satisfies PeerHarness;
