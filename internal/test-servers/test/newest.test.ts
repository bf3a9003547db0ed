import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  type RunningServer,
  serverBinaries,
  startCluster,
  startSentinel,
  startStandalone,
  until,
} from "@kv/test-servers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { outputOf, spawnChild } from "./child.ts";

const soak = process.env["KV_SOAK"] === "1";
const release = "newest";
const kinds = [
  { kind: "redis", since: 8 },
  { kind: "valkey", since: 9 },
] as const;

let cache = "";

// Servers that were fetched before would hide that they cannot be fetched now: here it starts from nothing.
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "kv-newest-test-"));
  if (!soak) return;
  vi.stubEnv("XDG_CACHE_HOME", cache);
  await Promise.all(kinds.map(({ kind }) => serverBinaries(kind, release)));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

test.each(kinds)(
  "$kind: where the newest release cannot be fetched it says so, whatever server there is",
  async ({ kind }) => {
    const { server, env } = await serverBinaries(kind);
    const place = { PATH: "/nowhere", XDG_CACHE_HOME: join(cache, "empty") };
    const given = { ...env, ...place, [`KV_TEST_${kind.toUpperCase()}_BIN`]: dirname(server) };
    const sentence = await outputOf(spawnChild("finds-binaries.ts", [kind, release], given));
    expect(sentence).toContain(`needs the newest ${kind}-server that Debian packages`);
  },
);

if (soak) {
  describe.each(kinds)("$kind", ({ kind, since }) => {
    test("the newest release starts, answers and says its version", async () => {
      await using server = await startStandalone({ kind, release });
      expect(await server.command("SET", "a", "1")).toBe("OK");
      expect(await server.command("GET", "a")).toBe("1");
      expect(await server.info("server")).toMatchObject({ [`${kind}_version`]: server.version });
      expect(Number.parseInt(server.version, 10)).toBeGreaterThanOrEqual(since);
      expect(await serverBinaries(kind, release)).toMatchObject({ from: "apt", version: server.version });
      expect(await readdir(join(cache, "kv-test-servers"))).toContain(`${kind}-sid-${process.arch}`);
    });

    test("clusters and groups under Sentinel are of the newest release, each server", async () => {
      await using cluster = await startCluster({ kind, release, tls: true, password: "pw" });
      expect(await cluster.masters()).toHaveLength(3);
      await using group = await startSentinel({ kind, release });
      const { version } = await serverBinaries(kind, release);
      for (const server of [...cluster.nodes, ...group.servers, ...group.sentinels]) {
        expect(await server.info("server")).toMatchObject({ [`${kind}_version`]: version });
      }
    });
  });

  test("the newest Valkey moves a slot with all its keys in one step, and all nodes know", async () => {
    const patience = ["--cluster-node-timeout", "30000"]; // for the node that hears nothing for a while
    await using cluster = await startCluster({ kind: "valkey", release, replicas: 0, args: patience });
    const [one, other, third] = cluster.nodes as [RunningServer, RunningServer, RunningServer];
    const slot = Number(await one.command("CLUSTER", "KEYSLOT", "{a}"));
    const keys = Array.from({ length: 150 }, (_, at) => `{a}${at}`);
    const before = await cluster.masterOf("{a}");
    for (const key of keys) await before.command("SET", key, key);
    for (const to of [one, other, third, one, third, before]) {
      if ((await cluster.masterOf("{a}")) === to) continue;
      await cluster.moveSlotAtomically(slot, to);
      for (const node of cluster.nodes) {
        const asked = node.command("GET", "{a}7");
        if (node === to) expect(await asked).toBe("{a}7");
        else await expect(asked).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to.port}`);
      }
      expect(await to.command("CLUSTER", "COUNTKEYSINSLOT", String(slot))).toBe(keys.length);
    }
    await expect(cluster.moveSlotAtomically(slot, before)).rejects.toThrow();

    const [to, deaf] = cluster.nodes.filter((node) => node !== before) as [RunningServer, RunningServer];
    await deaf.command("DEBUG", "DROP-CLUSTER-PACKET-FILTER", "-2");
    const moving = cluster.moveSlotAtomically(slot, to).then(() => "known to all");
    await until("the old master has let go of the keys", 60_000, async () =>
      (await before.command("CLUSTER", "COUNTKEYSINSLOT", String(slot))) === 0 ? true : undefined,
    );
    expect(await Promise.race([moving, pause(500, "not yet")])).toBe("not yet");
    await deaf.command("DEBUG", "DROP-CLUSTER-PACKET-FILTER", "-1");
    await moving;
    await expect(deaf.command("GET", "{a}7")).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to.port}`);
    await cluster.untilReady();
  });
}

test("a server that cannot move a slot in one step rejects, and the slot stays", async () => {
  await using cluster = await startCluster({ kind: "redis", replicas: 0 });
  const [to, other] = cluster.nodes as [RunningServer, RunningServer];
  const from = await cluster.masterOf("{a}");
  const slot = Number(await to.command("CLUSTER", "KEYSLOT", "{a}"));
  await expect(cluster.moveSlotAtomically(slot, from === to ? other : to)).rejects.toThrow(
    /^ERR .*MIGRATESLOTS/,
  );
  expect(await cluster.masterOf("{a}")).toBe(from);
});
