import { type RunningServer, startCluster } from "@kv/test-servers";
import { describe, expect, test } from "vitest";
import { rawConnection } from "./raw-connection.ts";

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

/** Keys of one slot. */
function keysOfOneSlot(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `{a}${at}`);
}

describe.concurrent.each(kinds)("%s", { timeout: 300_000 }, (kind) => {
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

  test("a slot moves key by key: half moved its keys are on both masters, then on the new one alone", async () => {
    await using cluster = await startCluster({ kind, replicas: 0, password: "pw" });
    const [to, other] = cluster.nodes as [RunningServer, RunningServer];
    const from = await cluster.masterOf("{a}");
    const slot = await cluster.slotOf("{a}");
    const keys = keysOfOneSlot(150);
    for (const key of keys) await from.command("SET", key, key);

    const move = await cluster.beginMove(slot, to);
    expect(move).toMatchObject({ slot, from, to });
    expect(await move.moveKeys(1)).toBe(1);
    const left = (await from.command("CLUSTER", "GETKEYSINSLOT", String(slot), "200")) as string[];
    const [gone = ""] = keys.filter((key) => !left.includes(key));
    expect(left).toHaveLength(149);
    expect(await from.command("GET", left[0] ?? "")).toBe(left[0]);
    await expect(from.command("GET", gone)).rejects.toThrow(`ASK ${slot} 127.0.0.1:${to.port}`);
    await expect(to.command("GET", gone)).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${from.port}`);
    using asking = await rawConnection(to.port);
    asking.send("AUTH pw", "ASKING", `GET ${gone}`);
    await asking.untilText(`+OK\r\n+OK\r\n$${gone.length}\r\n${gone}\r\n`);

    expect(await move.moveKeys()).toBe(149);
    await move.finish();
    for (const key of keys) expect(await to.command("GET", key)).toBe(key);
    for (const node of [from, other]) {
      await expect(node.command("GET", gone)).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to.port}`);
    }

    await cluster.moveSlot(slot, from);
    expect(await cluster.masterOf(gone)).toBe(from);
    expect(await from.command("GET", gone)).toBe(gone);
    await cluster.untilReady();
  });

  test("slots that move one after the other, from each master to each other, lose no key", async () => {
    await using cluster = await startCluster({ kind, replicas: 0 });
    const tags = Array.from({ length: 20 }, (_, at) => `{${at}}`);
    for (const tag of tags) {
      const master = await cluster.masterOf(tag);
      for (let at = 0; at < 5; at += 1) await master.command("SET", `${tag}${at}`, "x");
    }
    for (let at = 0; at < 100; at += 1) {
      const tag = tags[(at * 7) % tags.length] ?? "";
      const from = await cluster.masterOf(tag);
      const others = cluster.nodes.filter((node) => node !== from);
      await cluster.moveSlot(await cluster.slotOf(tag), others[at % others.length] ?? from);
    }
    const sizes = await Promise.all(cluster.nodes.map((node) => node.command("DBSIZE")));
    expect(sizes.map(Number).reduce((sum, size) => sum + size, 0)).toBe(100);
  });

  test("a move that is cancelled leaves the slot, with all its keys, where it was", async () => {
    await using cluster = await startCluster({ kind, replicas: 0 });
    const [to] = cluster.nodes as [RunningServer];
    const from = await cluster.masterOf("{a}");
    const keys = keysOfOneSlot(20);
    for (const key of keys) await from.command("SET", key, key);
    const move = await cluster.beginMove(await cluster.slotOf("{a}"), to);
    await move.moveKeys(10);
    expect(await from.command("DBSIZE")).toBe(10);
    await move.cancel();
    for (const key of keys) expect(await from.command("GET", key)).toBe(key);
    expect(await to.command("DBSIZE")).toBe(0);
    for (const node of cluster.nodes) {
      expect(String(await node.command("CLUSTER", "NODES"))).not.toContain("[");
    }
  });

  test("a replica takes over from its master: nothing is lost, and the connections stay open", async () => {
    await using cluster = await startCluster({ kind });
    const master = await cluster.masterOf("a");
    using open = await rawConnection(master.port);
    open.send("SET a 1");
    await open.untilText("+OK\r\n");
    const heir = await cluster.failOver(master);
    expect(heir).not.toBe(master);
    expect(await cluster.masterOf("a")).toBe(heir);
    expect(await heir.command("GET", "a")).toBe("1");
    open.send("SET a 2");
    await open.untilText(`+OK\r\n-MOVED 15495 127.0.0.1:${heir.port}\r\n`);
    await cluster.untilReady();
    expect(await cluster.failOver(heir)).toBe(master);
  });

  test("a cluster with password and TLS", async () => {
    await using cluster = await startCluster({ kind, password: "pw", tls: true, replicas: 0 });
    const master = await cluster.masterOf("a");
    expect(master.url).toMatch(/^rediss:\/\/:pw@/);
    expect(await master.command("SET", "a", "1")).toBe("OK");
  });
});
