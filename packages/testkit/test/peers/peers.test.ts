import { readFileSync } from "node:fs";
import { type Harness, runCases } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { KeyvStore } from "./keyv-store.ts";
import { UnstorageStore } from "./unstorage-store.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8").replaceAll(/ +/g, " ");

const peers: Harness[] = [
  { name: "Keyv 5.6.0", capabilities: ["namespaces"], open: () => ({ store: new KeyvStore() }) },
  { name: "unstorage 1.17.6", capabilities: ["namespaces"], open: () => ({ store: new UnstorageStore() }) },
];

describe("what well-known libraries break, the README tells truthfully", () => {
  test.each(peers)("$name", { timeout: 300_000 }, async (peer) => {
    const results = await runCases(peer, { limitMs: 60_000, runs: 20, seed: 1 });
    const rulesOf = (outcome: string): string[] => [
      ...new Set(results.filter((result) => result.outcome === outcome).map(({ testCase }) => testCase.rule)),
    ];
    const broken = rulesOf("failed").toSorted();
    const kept = rulesOf("passed")
      .filter((rule) => !broken.includes(rule))
      .toSorted();
    const row = `| ${peer.name} | ${broken.join(", ")} | ${kept.join(", ")} |`;
    expect(readme).toContain(row);
  });
});
