import type { FullStore } from "@kv/core";
import { redisStore } from "@kv/redis";
import { valkeyStore } from "@kv/valkey";

/** Where data lies that several processes share: plain data, to be sent to another process. */
export type StorePlace = { readonly kind: "redis" | "valkey"; readonly url: string };

/** Opens a store on data that lies elsewhere, as another process of the same service does. */
export function openElsewhere({ kind, url }: StorePlace): FullStore {
  return kind === "redis" ? redisStore({ url }) : valkeyStore({ url });
}
