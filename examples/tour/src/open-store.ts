import type { FullStore } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { redisStore } from "@kv/redis";
import { valkeyStore } from "@kv/valkey";

/** A store, and where it is kept, as a person may read it: without the password that a URL may hold. */
export interface Place {
  readonly store: FullStore;
  readonly description: string;
}

/** The one place that knows the backends: memory unless told, or a server by a URL like `redis://localhost:6379`. */
export function openStore(url: string | undefined): Place {
  if (url === undefined || url === "") return { store: memoryStore(), description: "memory" };
  // A namespace of its own: on a server that others use too, the tour touches nothing of theirs.
  const namespace = "kv-tour";
  const { protocol, host } = new URL(url);
  switch (protocol) {
    case "redis:":
    case "rediss:":
      return { store: redisStore({ url, namespace }), description: `Redis at ${host}` };
    case "valkey:":
    case "valkeys:":
      return { store: valkeyStore({ url, namespace }), description: `Valkey at ${host}` };
    default:
      throw new TypeError("KV_URL must begin with redis://, rediss://, valkey:// or valkeys://.");
  }
}
