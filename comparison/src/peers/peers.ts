import type { Peer } from "../peer.ts";
import { bentocache } from "./bentocache.ts";
import { cacheManager } from "./cache-manager.ts";
import { keyv } from "./keyv.ts";
import { kv } from "./kv.ts";
import { unstorage } from "./unstorage.ts";

/** In the order of the table's columns. */
export const peers: readonly Peer[] = [kv, keyv, unstorage, cacheManager, bentocache];
