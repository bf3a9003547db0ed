import { aboutBentocache } from "../promises/bentocache.ts";
import { BentoCacheStore, bentocacheOnRedis } from "../stores/bentocache-store.ts";
import { openOnRedis, versionsOnRedis } from "./on-redis.ts";
import type { PeerHarness } from "./peer-harness.ts";

export const about = aboutBentocache("Redis");

export default {
  name: "bentocache on Redis",
  capabilities: ["namespaces"],
  get versions() {
    return versionsOnRedis("bentocache", "ioredis");
  },
  open: () => openOnRedis((url) => new BentoCacheStore(bentocacheOnRedis(url))),
} satisfies PeerHarness;
