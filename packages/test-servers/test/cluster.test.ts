import { type RunningServer, startCluster } from "@kv/test-servers";
import { describe, expect, test } from "vitest";

const kinds = ["redis", "valkey"] as const;

/** Follows redirections, as a cluster client does. */
async function ask(nodes: readonly RunningServer[], command: readonly string[]): Promise<unknown> {
  for (const node of nodes) {
    try {
      return await node.command(...command);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("MOVED"))) throw error;
    }
  }
  throw new Error("Every node points to another one");
}

describe.concurrent.each(kinds)("%s", { timeout: 60_000 }, (kind) => {
  test("a cluster serves every slot; a killed master is replaced and comes back as a replica", async () => {
    await using cluster = await startCluster({ kind });
    expect(cluster.nodes).toHaveLength(6);
    const masters = await cluster.masters();
    expect(masters).toHaveLength(3);
    for (const key of ["a", "b", "c", "d", "{tag}e"]) {
      expect(await ask(masters, ["SET", key, key])).toBe("OK");
      expect(await (await cluster.masterOf(key)).command("GET", key)).toBe(key);
    }

    const lost = await cluster.masterOf("a");
    await lost.kill();
    await cluster.untilFailedOver(lost);
    const heir = await cluster.masterOf("a");
    expect(masters).not.toContain(heir);
    expect(await heir.command("SET", "a", "again")).toBe("OK");

    await lost.restart();
    await cluster.untilReady();
    expect(await lost.info("replication")).toMatchObject({ role: "slave", master_port: String(heir.port) });
  });

  test("a cluster with password and TLS", async () => {
    await using cluster = await startCluster({ kind, password: "pw", tls: true, replicas: 0 });
    const master = await cluster.masterOf("a");
    expect(master.url).toMatch(/^rediss:\/\/:pw@/);
    expect(await master.command("SET", "a", "1")).toBe("OK");
  });
});
