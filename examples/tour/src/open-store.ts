import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { memoryStore } from "@kv/memory";
import { redisStore } from "@kv/redis";
import { valkeyStore } from "@kv/valkey";

/** A store, and where it is kept, as a person may read it: without the password that a URL may hold. */
export interface Place {
  readonly store: FullStore;
  readonly description: string;
}

/** Where the tour keeps its files unless told: a folder of this repository that git leaves alone. */
const ownFolder = fileURLToPath(new URL("../../../.tour", import.meta.url));

/**
 * The one place that knows the backends: files unless told, `memory:`, other files (`file:./folder`), or a server
 * (`redis://localhost:6379`).
 */
export function openStore(url: string = `file:${ownFolder}`): Place {
  // A namespace of its own: on a server that others use too, the tour touches nothing of theirs.
  const namespace = "kv-tour";
  const { protocol, host } = URL.canParse(url) ? new URL(url) : { protocol: undefined, host: "" };
  switch (protocol) {
    case "memory:":
      return { store: memoryStore(), description: "memory" };
    case "file:": {
      const directory = url.slice(protocol.length); // new URL would make a relative path absolute
      const description = `files in ${relative(process.cwd(), directory)}`;
      return { store: fileStore({ directory }), description };
    }
    case "redis:":
    case "rediss:":
      return { store: redisStore({ url, namespace }), description: `Redis at ${host}` };
    case "valkey:":
    case "valkeys:":
      return { store: valkeyStore({ url, namespace }), description: `Valkey at ${host}` };
    default:
      throw new TypeError("KV_URL must begin with memory:, file:, redis:// or valkey://.");
  }
}
