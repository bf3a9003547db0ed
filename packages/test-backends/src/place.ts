import type { FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { redisStore } from "@kv/redis";
import { valkeyStore } from "@kv/valkey";

/** Where data lies that several processes share: plain data, to be sent to another process. */
export type StorePlace =
  | { readonly kind: "file"; readonly directory: string }
  | { readonly kind: "redis" | "valkey"; readonly url: string };

/** Opens a store on data that lies elsewhere, as another process of the same service does. */
export function openElsewhere(place: StorePlace): FullStore {
  switch (place.kind) {
    case "file":
      return fileStore({ directory: place.directory });
    case "redis":
      return redisStore({ url: place.url });
    case "valkey":
      return valkeyStore({ url: place.url });
  }
}
