import { aboutBentocache } from "../promises/bentocache.ts";
import { BentoCacheStore, bentocacheInMemory } from "../stores/bentocache-store.ts";
import { installedVersions, type PeerHarness } from "./peer-harness.ts";

export const about = aboutBentocache("memory");

export default {
  name: "bentocache in memory",
  capabilities: ["namespaces"],
  inMemory: true,
  versions: installedVersions("bentocache"),
  open: () => ({ store: new BentoCacheStore(bentocacheInMemory()) }),
} satisfies PeerHarness;
