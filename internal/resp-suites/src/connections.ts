import type { FullStore } from "@kv/core";
import { type FaultProxy, type RunningServer, startProxy, startStandalone, until } from "@kv/test-servers";
import { expectCode, standStill } from "@kv/test-support";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import type { RespBackend } from "./contract.ts";

const patienceMs = 120_000;
const timeout = "500ms";
const timeoutMs = 500;

/** Tests that a store keeps a good connection, and one on which its owner waits. */
export async function testConnections(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  libraries: Readonly<Record<string, ClientLibrary>>,
): Promise<void> {
  const server: RunningServer = await startStandalone({ kind });
  afterAll(() => server.stop());

  /** ioredis 6 speaks RESP3, in which a client that subscribes takes other commands, too. */
  interface Client {
    blpop(key: string, seconds: number): Promise<unknown>;
    subscribe(channel: string): Promise<unknown>;
    unsubscribe(channel: string): Promise<unknown>;
    on(event: string, listener: (...args: string[]) => void): unknown;
    disconnect(): void;
  }

  async function newProxy(): Promise<FaultProxy> {
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.stop());
    return proxy;
  }

  async function storeOver(
    library: ClientLibrary,
    limit: "500ms" | "1m" = timeout,
  ): Promise<{ store: FullStore; client: Client; proxy: FaultProxy }> {
    const proxy = await newProxy();
    const client = makeClient(library, { topology: "standalone", ports: [proxy.port] });
    onTestFinished(() => client.disconnect());
    const store = open({ client, namespace: crypto.randomUUID(), timeout: limit });
    await until("it is connected", patienceMs, () => store.exists("a").then(() => true));
    return { store, client: client as unknown as Client, proxy };
  }

  function ownStore(url: string): FullStore {
    const store = open({ url, namespace: crypto.randomUUID(), timeout });
    onTestFinished(() => store.close());
    return store;
  }

  /** A store of its own client, whose library is loaded, which takes longer than all else. */
  async function unconnectedStore(): Promise<{ store: FullStore; proxy: FaultProxy }> {
    const proxy = await newProxy();
    await ownStore(server.url).exists("a");
    return { store: ownStore(proxy.through(server.url)), proxy };
  }

  describe(`${kind}: an event loop that stands still`, () => {
    test.each(["url", ...Object.keys(libraries)])(
      "S7 for longer than timeout under 1,000 calls whose answers have arrived: none fails, %s",
      async (way) => {
        const library = libraries[way];
        const proxied = library === undefined ? await newProxy() : undefined;
        const { store, proxy } =
          library === undefined
            ? { store: ownStore((proxied as FaultProxy).through(server.url)), proxy: proxied as FaultProxy }
            : await storeOver(library);
        await until("it is connected", patienceMs, () => store.set("a", "x").then(() => true));
        const { accepted } = proxy.traffic;
        const calls = Promise.all([
          ...Array.from({ length: 500 }, (_, at) => store.increment("n", { by: at })),
          ...Array.from({ length: 500 }, () => store.get("a")),
        ]);
        const settled = expect(calls).resolves.toHaveLength(1_000);
        await new Promise((resolve) => process.nextTick(resolve)); // sent
        standStill(timeoutMs + 1_000);
        await settled;
        expect(proxy.traffic.accepted).toBe(accepted);
      },
    );

    test("S7 while a connection is being made: it is not given up", async () => {
      const { store, proxy } = await unconnectedStore();
      const held = proxy.holdReply("info");
      const read = store.exists("a");
      await held.reached;
      standStill(timeoutMs + 1_000);
      held.release();
      expect(await read).toBe(false);
      expect(proxy.traffic.accepted).toBe(1);
    });

    test("S7 time that it stands still does not count: a silent server is given up after it, too", async () => {
      const proxy = await newProxy();
      const store = ownStore(proxy.through(server.url));
      await until("it is connected", patienceMs, () => store.set("a", "x").then(() => true));
      proxy.silence();
      const lost = expectCode(store.set("a", "y"), "KV_OUTCOME_UNKNOWN");
      await new Promise((resolve) => setImmediate(resolve));
      standStill(timeoutMs + 500);
      await lost;
      await expectCode(store.set("a", "y"), "KV_UNAVAILABLE");
    });
  });

  describe.each(Object.entries(libraries))(`${kind}: a client of %s whose owner waits`, (name, library) => {
    test("S7 for a command that blocks keeps it through the store's timeouts", async () => {
      const { store, client, proxy } = await storeOver(library);
      const { accepted } = proxy.traffic;
      const list = crypto.randomUUID();
      const popped = client.blpop(list, 0);
      for (let times = 0; times < 3; times += 1) {
        await Promise.all([
          expectCode(store.get("a"), "KV_UNAVAILABLE"),
          expectCode(store.set("b", "1"), "KV_OUTCOME_UNKNOWN"),
        ]);
      }
      await server.command("LPUSH", list, "pushed");
      expect(await popped).toEqual([list, "pushed"]);
      await until("the store works again", patienceMs, () => store.exists("b"));
      expect(proxy.traffic.accepted).toBe(accepted);
    });

    test("S7 for messages keeps its subscription through the store's timeouts", async () => {
      const { store, client, proxy } = await storeOver(library);
      const { accepted } = proxy.traffic;
      const channel = crypto.randomUUID();
      const messages: string[] = [];
      client.on("message", (_, message) => messages.push(message ?? ""));
      await client.subscribe(channel);
      if (name === "ioredis 6") {
        await store.set("b", "1");
        proxy.silence();
        for (let times = 0; times < 3; times += 1) await expectCode(store.get("b"), "KV_UNAVAILABLE");
        proxy.speak();
        await until("the store works again", patienceMs, () => store.exists("b"));
      } else {
        // It takes no other commands meanwhile, and says so.
        const refused = store.set("b", "1");
        await expectCode(refused, "KV_UNAVAILABLE");
        await expect(refused).rejects.toThrow("a client that nothing else uses");
        await expectCode(store.get("b"), "KV_UNAVAILABLE");
      }
      await server.command("PUBLISH", channel, "published");
      await until("the message comes", patienceMs, () => (messages.length > 0 ? true : undefined));
      expect(messages).toEqual(["published"]);
      await client.unsubscribe(channel);
      await until("the store works again", patienceMs, () => store.set("b", "2").then(() => true));
      expect(proxy.traffic.accepted).toBe(accepted);
    });
  });

  describe(`${kind}: a good server`, () => {
    test("S7 serves the next read after each of 60 lost connections", async () => {
      const proxy = await newProxy();
      const store = open({ url: proxy.through(server.url), timeout: "1m" });
      onTestFinished(() => store.close());
      for (let times = 0; times < 60; times += 1) {
        await store.exists("a");
        proxy.cut();
        // The end of a connection comes in steps, and a call may be made at each.
        for (let turn = 0; turn < times % 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        await Promise.all([store.get("a"), store.exists("b")]);
      }
    });

    test("S7 serves the next call, where the handshake of an earlier one was never answered", async () => {
      const { store, proxy } = await unconnectedStore();
      const held = proxy.holdReply("info");
      await expectCode(store.get("a"), "KV_UNAVAILABLE");
      await held.reached;
      await new Promise((resolve) => setTimeout(resolve, timeoutMs)); // nobody waits for it any more
      expect(await store.get("a")).toBeUndefined();
    });

    test("N6 lists all, where the connection is lost between two pages", async () => {
      const proxy = await newProxy();
      const store = ownStore(proxy.through(server.url));
      const keys = Array.from({ length: 5_000 }, (_, at) => `${at}`);
      await until("all are there", patienceMs, () =>
        store.setMany(keys.map((key) => [key, "x"])).then(() => true),
      );
      const found = new Set<string>();
      for await (const key of store.keys()) {
        if (found.size === 1_000) {
          proxy.cut();
          await until("it is noticed", patienceMs, () => (proxy.traffic.open === 0 ? true : undefined));
        }
        found.add(key);
      }
      expect(found.size).toBe(5_000);
    });

    test("S7 that has as many clients as it takes is KV_UNAVAILABLE", async () => {
      const full = await startStandalone({ kind });
      onTestFinished(() => full.stop());
      const first = ownStore(full.url);
      await until("it is connected", patienceMs, () => first.exists("a").then(() => true));
      await full.command("CONFIG", "SET", "maxclients", "1");
      const second = ownStore(full.url);
      const refused = second.set("a", "1");
      await expectCode(refused, "KV_UNAVAILABLE");
      await expect(refused).rejects.toThrow(/maxclients/);
      await first.close();
      await until("there is room", patienceMs, () => second.set("a", "1").then(() => true));
    });
  });
}
