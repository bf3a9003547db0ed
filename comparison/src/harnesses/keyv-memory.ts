import { aboutKeyv } from "../promises/keyv.ts";
import { KeyvStore, keyvInMemory } from "../stores/keyv-store.ts";
import { installedVersions, type PeerHarness } from "./peer-harness.ts";

export const about = aboutKeyv("memory");

export default {
  name: "Keyv in memory",
  capabilities: ["namespaces", "batch"],
  inMemory: true,
  versions: installedVersions("keyv"),
  open() {
    const backend = keyvInMemory();
    return { store: new KeyvStore(backend), openAgain: () => new KeyvStore(backend) };
  },
} satisfies PeerHarness;
