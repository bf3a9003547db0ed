import { aboutKeyv } from "../promises/keyv.ts";
import { KeyvStore, keyvOnRedis } from "../stores/keyv-store.ts";
import { openOnRedis, versionsOnRedis } from "./on-redis.ts";
import type { PeerHarness } from "./peer-harness.ts";

export const about = aboutKeyv("Redis");

export default {
  name: "Keyv on Redis",
  capabilities: ["namespaces", "batch"],
  get versions() {
    return versionsOnRedis("keyv", "@keyv/redis");
  },
  open: () => openOnRedis((url) => new KeyvStore(keyvOnRedis(url))),
} satisfies PeerHarness;
