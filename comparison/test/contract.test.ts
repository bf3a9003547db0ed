import { type Harness, type RuleId, runCases } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import * as bentocache from "../src/harnesses/bentocache-memory.ts";
import * as cacheManager from "../src/harnesses/cache-manager-memory.ts";
import * as keyv from "../src/harnesses/keyv-memory.ts";
import * as unstorage from "../src/harnesses/unstorage-memory.ts";
import type { About } from "../src/promises/about.ts";

interface Peer {
  readonly module: { readonly default: Harness; readonly about: About };
  /** The rules that it breaks however its calls fall. */
  readonly breaks: readonly RuleId[];
}

const peers: Readonly<Record<string, Peer>> = {
  Keyv: { module: keyv, breaks: ["N2", "N3", "S3", "S4", "S6"] },
  unstorage: { module: unstorage, breaks: ["N3", "S3", "S4", "T1", "T4"] },
  "cache-manager": { module: cacheManager, breaks: ["S3", "S6", "T7"] },
  bentocache: { module: bentocache, breaks: ["N2", "N3", "T4", "T7"] },
};

// On Redis the script `reports` does it.
describe("the contract, held against other libraries in memory", () => {
  test.each(Object.entries(peers))(
    "beside every rule that %s breaks stands its own promise",
    async (_, { module, breaks }) => {
      const results = await runCases(module.default, {
        seed: 1,
        runs: 5,
        limitMs: 10_000,
        // Nested namespaces show what one level shows.
        filter: ({ place }) => place !== "in a nested namespace",
      });
      const broken = new Set(results.flatMap((each) => (each.outcome === "failed" ? [each.error.rule] : [])));
      expect([...broken]).toEqual(expect.arrayContaining([...breaks]));
      // Which others meet in so short a run is chance: the script `reports` names a broken rule without words.
      expect(breaks.filter((rule) => module.about.promises[rule] === undefined)).toEqual([]);
    },
  );
});
