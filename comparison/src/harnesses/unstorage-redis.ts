import { aboutUnstorage } from "../promises/unstorage.ts";
import { UnstorageStore, unstorageOnRedis } from "../stores/unstorage-store.ts";
import { openOnRedis, versionsOnRedis } from "./on-redis.ts";
import type { PeerHarness } from "./peer-harness.ts";

export const about = aboutUnstorage("Redis");

export default {
  name: "unstorage on Redis",
  capabilities: ["namespaces"],
  get versions() {
    return versionsOnRedis("unstorage", "ioredis");
  },
  open: () => openOnRedis((url) => new UnstorageStore(unstorageOnRedis(url))),
} satisfies PeerHarness;
