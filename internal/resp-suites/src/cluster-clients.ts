import { readFileSync } from "node:fs";
import type { FullStore } from "@kv/core";
import type { IoredisClient } from "@kv/resp";
import { safeClientOptions, safeClusterOptions } from "@kv/resp";
import { startCluster, startStandalone } from "@kv/test-servers";
import { expectCode } from "@kv/test-support";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClientLibrary } from "./clients.ts";
import type { RespBackend } from "./contract.ts";
import { startProxies } from "./proxies.ts";

/** Which clients do for a cluster, and what becomes of them. */
export function testClusterClients(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  { Redis, Cluster }: ClientLibrary,
): void {
  function plainStore(port: number): FullStore {
    const client = new Redis({ port, ...safeClientOptions() } as never) as IoredisClient;
    client.on("error", () => {});
    const store = open({ client, closeClient: true });
    onTestFinished(() => store.close());
    return store;
  }

  function clusterOf(startNodes: unknown, options: object = {}): IoredisClient {
    const client = new Cluster(
      startNodes as never,
      { ...safeClusterOptions(), ...options } as never,
    ) as IoredisClient;
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    return client;
  }

  function storeOver(client: IoredisClient, timeout: "5s" | "1m" = "1m"): FullStore {
    const store = open({ client, timeout });
    onTestFinished(() => store.close());
    return store;
  }

  describe(`${kind}: clients for a cluster`, { timeout: 300_000 }, () => {
    test("E1 a plain client to one of its nodes is KV_FAILED, and the error says which client it takes", async () => {
      const cluster = await startCluster({ kind, replicas: 0 });
      onTestFinished(() => cluster.stop());
      const [node] = cluster.nodes;
      const store = plainStore(node?.port ?? 0);
      const elsewhere = await keyNotAt(cluster.masterOf, node);
      const calls = [
        () => store.set(elsewhere, "x"),
        () => store.get(elsewhere),
        () => store.deleteAll(),
        () => listed(store.keys()),
        () => listed(store.namespaces()),
        () =>
          store.setMany([
            ["a", "1"],
            ["b", "2"],
          ]),
      ];
      for (const call of calls) {
        await expectCode(call(), "KV_FAILED");
        await expect(call()).rejects.toThrow("a client of the whole cluster");
      }
    });

    test("E1 a client of a cluster to a server that is none is KV_FAILED, and the error says which it takes", async () => {
      const server = await startStandalone({ kind });
      onTestFinished(() => server.stop());
      const store = storeOver(clusterOf([{ host: "127.0.0.1", port: server.port }]));
      await expectCode(store.set("a", "1"), "KV_FAILED");
      await expect(listed(store.keys())).rejects.toThrow("over a plain client");
    });

    test("S1 N6 L1 over TLS, with a password and the rights that the README names, a half-moved slot is read and written whole", async () => {
      const readme = readFileSync(new URL(`../../../packages/${kind}/README.md`, import.meta.url), "utf8");
      const [rights = ""] = /^The store's user needs[^.]*\./ms.exec(readme) ?? [];
      const inCluster = /in a\s+cluster (.*?) too/s.exec(rights)?.[1]?.match(/[a-z]+(?=`)/g) ?? [];
      expect(inCluster).toEqual(["cluster", "asking"]);
      const commands = [...(rights.match(/\+[a-z]+/g) ?? []), ...inCluster.map((name) => `+${name}`)];
      const cluster = await startCluster({
        kind,
        replicas: 0,
        tls: true,
        password: "own",
        acl: [`user limited on >secret -@all ${commands.join(" ")} ~KV:* ~KV/*`],
      });
      onTestFinished(() => cluster.stop());
      const [node] = cluster.nodes;
      const redisOptions = { username: "limited", password: "secret", tls: { ca: node?.ca } };
      const client = clusterOf([{ host: "127.0.0.1", port: node?.port }], { redisOptions });
      const store = storeOver(client);
      const keys = Array.from({ length: 20 }, (_, at) => `{tag} ${at}`);
      await store.setMany(keys.map((key) => [key, key]));
      const from = await cluster.masterOf("{tag}");
      const to = cluster.nodes.find((other) => other !== from) ?? from;
      const move = await cluster.beginMove(await cluster.slotOf("{tag}"), to);
      await move.moveKeys(10);
      expect((await listed(store.keys())).toSorted()).toEqual(keys.toSorted());
      expect(await texts(store, keys)).toEqual(keys);
      expect((await store.increment("{tag} n", { expiresIn: "1h" })).value).toBe(1);
      expect(await store.touch("{tag} n", "2h")).toBe(true);
      await store.deleteAll();
      expect(await listed(store.keys())).toEqual([]);
      expect(client.status).toBe("wait"); // the store has connections of its own
    });

    test("S7 it is enough that one of the nodes that the client names answers", async () => {
      const cluster = await startCluster({ kind, replicas: 0 });
      onTestFinished(() => cluster.stop());
      const proxies = await startProxies(cluster.nodes.slice(0, 1));
      onTestFinished(() => proxies[Symbol.asyncDispose]());
      const silent = proxies.of(cluster.nodes[0] as never);
      silent.mute();
      const nobody = { host: "127.0.0.1", port: 1 };
      const store = storeOver(
        clusterOf([
          nobody,
          { host: "127.0.0.1", port: silent.port },
          `redis://127.0.0.1:${cluster.nodes[1]?.port}`,
        ]),
      );
      await store.set("a", "1");
      expect(await texts(store, ["a"])).toEqual(["1"]);
    });

    test("L1 L2 of a client that its owner has closed calls are KV_UNAVAILABLE, and the store keeps no connection", async () => {
      const cluster = await startCluster({ kind, replicas: 0 });
      onTestFinished(() => cluster.stop());
      const proxies = await startProxies(cluster.nodes);
      onTestFinished(() => proxies[Symbol.asyncDispose]());
      const connections = (): number =>
        cluster.nodes.reduce((sum, node) => sum + proxies.of(node).traffic.open, 0);
      const client = clusterOf(
        cluster.nodes.map((node) => ({ host: "127.0.0.1", port: proxies.of(node).port })),
        { natMap: proxies.natMap },
      );
      const store = storeOver(client);
      await store.setMany(Array.from({ length: 30 }, (_, at) => [`${at}`, "x"]));
      expect(connections()).toBe(3);
      client.disconnect();
      await expect.poll(() => client.status).toBe("end");
      await expectCode(store.get("1"), "KV_UNAVAILABLE");
      await expect.poll(connections).toBe(0);
      const second = clusterOf([{ host: "127.0.0.1", port: cluster.nodes[0]?.port }]);
      const closing = openStore(second);
      await closing.set("a", "1");
      await closing.close();
      expect(second.status).toBe("wait");
    });
  });

  function openStore(client: IoredisClient): FullStore {
    return open({ client });
  }
}

async function keyNotAt(masterOf: (key: string) => Promise<unknown>, node: unknown): Promise<string> {
  for (let at = 0; ; at += 1) if ((await masterOf(`KV:${at}`)) !== node) return `${at}`;
}

async function listed(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const name of names) all.push(name);
  return all;
}

async function texts(store: FullStore, keys: readonly string[]): Promise<(string | undefined)[]> {
  const found = await store.getMany(keys);
  return found.map((bytes) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes)));
}
