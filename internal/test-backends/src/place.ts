import type { Duration, FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { redisStore } from "@kv/redis";
import { valkeyStore } from "@kv/valkey";

/** Where data lies that several processes share: plain data, to be sent to another process. */
export type StorePlace =
  | { readonly kind: "file"; readonly directory: string }
  | { readonly kind: "redis" | "valkey"; readonly url: string };

/**
 * Opens a store on data that lies elsewhere, as another process of the same service does.
 *
 * @param options a `timeout` far beyond need, where a test asks for more together than a busy machine does in 5 seconds
 */
export function openElsewhere(place: StorePlace, options: { readonly timeout?: Duration } = {}): FullStore {
  switch (place.kind) {
    case "file":
      return fileStore({ directory: place.directory, ...options });
    case "redis":
      return redisStore({ url: place.url, ...options });
    case "valkey":
      return valkeyStore({ url: place.url, ...options });
  }
}
