import type { Harness } from "@kv/testkit";
import { installed } from "../promises/about.ts";

/** A harness for somebody else's library; its report names the versions. */
export interface PeerHarness extends Harness {
  readonly versions: Readonly<Record<string, string>>;
}

export function installedVersions(...libraries: readonly string[]): Record<string, string> {
  return Object.fromEntries(libraries.map((library) => [library, installed(library)]));
}
