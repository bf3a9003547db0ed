import { type FullStore, isStoreError } from "@kv/core";
import { type RunningServer, startCluster, startStandalone } from "@kv/test-servers";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import type { RespBackend } from "./contract.ts";
import { goldenEntries } from "./golden-entries.ts";

const foreignPerServer = 100_000;

/** Names that are patterns, or hash tags, to a server, and their neighbours. */
const names = ["a", "ab", "a*", "a?", "[a]", "[ab]", "^a", "\\a", "{a}", "*", "?", "a:b", "a/b", "-", "%61"];

/** Keys of others, close to ours. */
const lookalikes = [
  "KV",
  "KVa:k",
  "KVa/k",
  "xKV:k",
  "kv:k",
  "KV*:k",
  "KV?k",
  "KV[:/]k",
  "KV%3Ak",
  "a:k",
  "a/k",
  "KV-:k",
];

/** A server that also holds what is not ours: nothing but what was asked for is touched. */
export function testForeignKeys(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  library: ClientLibrary,
): void {
  describe(`${kind}: among 100,000 foreign keys`, () => {
    test("N2 deleteAll of namespaces that look like patterns deletes them and nothing else", {
      timeout: 300_000,
    }, async () => {
      const server = await startStandalone({ kind });
      onTestFinished(() => server.stop());
      const store = open({ url: server.url });
      onTestFinished(() => store.close());
      await expectNothingElseDeleted(store, [server], [server]);
    });

    test("N2 the same on a cluster, with hash tags in names and keys", { timeout: 300_000 }, async () => {
      const cluster = await startCluster({ kind });
      onTestFinished(() => cluster.stop());
      const client = makeClient(library, {
        topology: "cluster",
        ports: cluster.nodes.map(({ port }) => port),
      });
      const store = open({ client, closeClient: true });
      onTestFinished(() => store.close());
      await expectNothingElseDeleted(store, await cluster.masters(), []);
    });

    test("N5 deleteAll removes keys below it that are no UTF-8, and listings end among them", async () => {
      const server = await startStandalone({ kind });
      onTestFinished(() => server.stop());
      const store = open({ url: server.url });
      onTestFinished(() => store.close());
      await server.command("SET", Buffer.from("4b563aff", "hex"), "no UTF-8");
      await store.set("k", "x");
      const entries: string[] = [];
      for await (const [key] of store.entries()) entries.push(key);
      expect(entries).toEqual(["k"]); // the other is no key of a store
      await store.deleteAll();
      expect(Number(await server.command("DBSIZE"))).toBe(0);
    });

    test("N7 entries that a released version has written are found", async () => {
      const server = await startStandalone({ kind });
      onTestFinished(() => server.stop());
      for (const { serverKey, value } of goldenEntries) await server.command("SET", serverKey, value);
      const stores = new Map<string, FullStore>();
      onTestFinished(async () => {
        for (const store of stores.values()) await store.close();
      });
      for (const { path, key, value } of goldenEntries) {
        const [namespace, ...below] = path;
        const root = stores.get(namespace) ?? open({ url: server.url, namespace });
        stores.set(namespace, root);
        const store = below.reduce((at, name) => at.withNamespace(name), root);
        expect(new TextDecoder().decode(await store.get(key))).toBe(value);
        expect(await listed(store.keys())).toContain(key);
      }
    });

    test("N4 without a namespace what would touch all keys is refused, and a namespace below works", async () => {
      const server = await startStandalone({ kind });
      onTestFinished(() => server.stop());
      const store = open({ url: server.url, namespace: null });
      onTestFinished(() => store.close());
      await server.command("SET", "foreign", "1");
      expect(new TextDecoder().decode(await store.get("foreign"))).toBe("1");
      await expect(store.deleteAll()).rejects.toSatisfy((error) => isStoreError(error, "KV_NO_NAMESPACE"));
      const below = store.withNamespace("a*");
      await below.set("k", "x");
      await below.deleteAll();
      expect(await server.command("KEYS", "*")).toEqual(["foreign"]);
      await expect(listed(store.keys({ prefix: "f" }))).rejects.toSatisfy((error) =>
        isStoreError(error, "KV_NO_NAMESPACE"),
      );
      expect(new TextDecoder().decode(await store.take("foreign"))).toBe("1");
      expect(Number(await server.command("DBSIZE"))).toBe(0);
    });
  });
}

async function expectNothingElseDeleted(
  store: FullStore,
  masters: readonly RunningServer[],
  writable: readonly RunningServer[],
): Promise<void> {
  for (const master of masters) {
    await master.command(
      "DEBUG",
      "POPULATE",
      String(Math.ceil(foreignPerServer / masters.length)),
      "foreign",
      "10",
    );
  }
  // A cluster takes a key only at its own place; there the foreign keys of DEBUG POPULATE must do.
  for (const server of writable) for (const key of lookalikes) await server.command("SET", key, "foreign");
  const keys = ["k", "{k}", "a*", "", "a:b"];
  const atStart = await sizeOf(masters);

  const children = names.map((name) => store.withNamespace(name));
  for (const child of [store, ...children, ...children.map((each) => each.withNamespace("below"))]) {
    await child.setMany(keys.map((key) => [key, "ours"] as const));
  }
  expect(await sizeOf(masters)).toBe(atStart + keys.length * (1 + 2 * names.length));
  expect((await listed(store.namespaces())).toSorted()).toEqual(names.toSorted());

  let left = atStart + keys.length * (1 + 2 * names.length);
  for (const child of children) {
    await child.deleteAll();
    left -= 2 * keys.length;
    expect(await sizeOf(masters)).toBe(left);
  }
  expect((await listed(store.keys())).toSorted()).toEqual(keys.toSorted());
  await store.deleteAll();
  expect(await sizeOf(masters)).toBe(atStart);
}

async function sizeOf(servers: readonly RunningServer[]): Promise<number> {
  const sizes = await Promise.all(servers.map((server) => server.command("DBSIZE")));
  return sizes.map(Number).reduce((sum, each) => sum + each, 0);
}

async function listed(items: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const item of items) all.push(item);
  return all;
}
