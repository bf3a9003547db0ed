import { aboutUnstorage } from "../promises/unstorage.ts";
import { UnstorageStore, unstorageInMemory } from "../stores/unstorage-store.ts";
import { installedVersions, type PeerHarness } from "./peer-harness.ts";

export const about = aboutUnstorage("memory");

export default {
  name: "unstorage in memory",
  capabilities: ["namespaces"],
  inMemory: true,
  versions: installedVersions("unstorage"),
  open: () => ({ store: new UnstorageStore(unstorageInMemory()) }),
} satisfies PeerHarness;
