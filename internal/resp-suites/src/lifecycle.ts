import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { isStoreError } from "@kv/core";
import { type FaultProxy, type RunningServer, startProxy, startStandalone, until } from "@kv/test-servers";
import { expectCode } from "@kv/test-support";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import type { RespBackend } from "./contract.ts";

/** Tests what a store opens and closes, and how it leaves a client that is passed in. */
export async function testLifecycle(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  library: ClientLibrary,
  /** The path of the package. */
  cwd: string,
): Promise<void> {
  const server: RunningServer = await startStandalone({ kind });
  afterAll(() => server.stop());

  function newClient(port = server.port): ReturnType<typeof makeClient> {
    const client = makeClient(library, { topology: "standalone", ports: [port] });
    onTestFinished(() => client.disconnect());
    return client;
  }

  async function newProxy(): Promise<FaultProxy> {
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.stop());
    return proxy;
  }

  test(`${kind}: E1 options that are misspelt, or do not go together, are refused`, () => {
    const client = newClient();
    const url = server.url;
    const wrong: readonly [options: object, says: RegExp][] = [
      [{ uri: url }, /no option "uri".*url/],
      [{ url, namspace: "a" }, /no option "namspace".*namespace/],
      [{ client, tls: {} }, /no option "tls"/],
      [{ url, closeClient: true }, /no option "closeClient"/],
      [{ url, client }, /either url or client/],
      [{}, /either url or client/],
    ];
    for (const [options, says] of wrong) {
      expect(() => open(options as never)).toThrow(TypeError);
      expect(() => open(options as never)).toThrow(says);
    }
  });

  describe(`${kind}: a client that is passed in`, () => {
    test("L1 it stays open when the store is closed, and other stores on it go on", async () => {
      const client = newClient();
      const one = open({ client });
      const other = open({ client });
      await one.set("a", "1");
      await one.close();
      expect(client.status).toBe("ready");
      expect(await other.exists("a")).toBe(true);
      await expectCode(one.get("a"), "KV_CLOSED");
    });

    test("L1 with closeClient it is closed with the store", async () => {
      const client = newClient();
      const store = open({ client, closeClient: true });
      await store.set("a", "1");
      await store.close();
      await until("it is closed", 60_000, () => (client.status === "end" ? true : undefined));
    });

    test("L1 with closeClient a store that was never used closes it too", async () => {
      const client = newClient();
      await open({ client, closeClient: true }).close();
      await until("it is closed", 60_000, () => (client.status === "end" ? true : undefined));
    });

    test("L4 it is not connected before the first call, and not listened to in between", async () => {
      const client = newClient() as ReturnType<typeof newClient> & { listenerCount(event: string): number };
      const before = client.listenerCount("error");
      const stores = Array.from({ length: 20 }, () => open({ client }));
      expect(client.status).toBe("wait");
      await Promise.all(stores.map((store) => store.exists("a")));
      expect(client.listenerCount("error")).toBe(before);
      expect(client.listenerCount("ready")).toBe(0);
    });

    test("S7 one that its owner has closed is KV_UNAVAILABLE, and is not opened again", async () => {
      const client = newClient();
      const store = open({ client });
      await store.set("a", "1");
      await client.quit();
      await expectCode(store.get("a"), "KV_UNAVAILABLE");
      await expectCode(store.set("a", "2"), "KV_UNAVAILABLE");
      expect(client.status).toBe("end");
    });

    test("S7 where its connection has fallen silent, and is never closed, it gets another", async () => {
      const proxy = await newProxy();
      const store = open({ client: newClient(proxy.port), timeout: "300ms" });
      await until("it is connected", 60_000, () => store.set("a", "1").then(() => true));
      const held = proxy.holdReply("get");
      await expectCode(store.get("a"), "KV_UNAVAILABLE");
      await held.reached;
      await until("the store works again", 60_000, () => store.exists("a"));
      expect(proxy.traffic.accepted).toBeGreaterThan(1);
    });

    test("S7 one that sends again what was not answered keeps its connection: it would do so", async () => {
      const proxy = await newProxy();
      const client = new library.Redis({ port: proxy.port, lazyConnect: true } as never) as ReturnType<
        typeof newClient
      >;
      onTestFinished(() => client.disconnect());
      const store = open({ client, timeout: "300ms" });
      await until("it is connected", 60_000, () => store.set("n", "1").then(() => true));
      const held = proxy.holdReply(([name = ""]) => /^eval/i.test(name));
      const counted = expectCode(store.increment("n"), "KV_OUTCOME_UNKNOWN");
      await held.reached;
      await counted;
      for (let times = 0; times < 5; times += 1) await expectCode(store.get("n"), "KV_UNAVAILABLE");
      held.release();
      const value = await until("the store works again", 60_000, () => store.get("n"));
      expect(Buffer.from(value).toString()).toBe("2");
    });

    test("a keyPrefix is refused", () => {
      const client = new library.Redis({ lazyConnect: true, keyPrefix: "app:" } as never);
      expect(() => open({ client: client as never })).toThrow(TypeError);
    });
  });

  describe(`${kind}: a client of the store's own`, () => {
    test("L4 importing the package and making a store loads no client and connects to nothing", () => {
      const script = `
        import { createRequire } from "node:module";
        import * as backend from "@kv/${kind}";
        const store = backend.${kind}Store({ url: "redis://127.0.0.1:1" });
        const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => /\\/io(redis|valkey)\\//.test(file));
        const connections = process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;
        const before = loaded();
        await store.get("a").catch(() => {});
        process.stdout.write(JSON.stringify({ before, connections, after: loaded() }));
      `;
      const child = spawnSync(
        process.execPath,
        ["--conditions=@kv/source", "--import", "tsx", "--input-type=module", "--eval", script],
        { cwd, encoding: "utf8", timeout: 300_000 },
      );
      expect(child).toMatchObject({ status: 0, stdout: '{"before":false,"connections":0,"after":true}' });
    });

    test("L3 an idle store whose server is gone lets the process end, and prints nothing", async () => {
      const own = await startStandalone({ kind });
      onTestFinished(() => own.stop());
      const script = `
        import * as backend from "@kv/${kind}";
        const store = backend.${kind}Store({ url: ${JSON.stringify(own.url)} });
        await store.set("a", "1");
        process.kill(${own.pid}, "SIGKILL");
        for (let done = true; done; ) done = await store.set("a", "2").then(() => true, () => false);
        process.exitCode = 7;
      `;
      const child = spawnSync(
        process.execPath,
        ["--conditions=@kv/source", "--import", "tsx", "--input-type=module", "--eval", script],
        { cwd, encoding: "utf8", timeout: 300_000 },
      );
      expect(child).toMatchObject({ status: 7, signal: null, stdout: "", stderr: "" });
    });

    test("L3 an attempt to connect that nobody waits for any more lets the process end", async () => {
      const proxy = await newProxy();
      proxy.silence();
      const script = `
        import { backendStore, ioredisBackend } from "@kv/resp";
        import * as library from "${kind === "redis" ? "ioredis" : "iovalkey"}";
        const load = () => new Promise((resolve) => setTimeout(resolve, 250, library));
        const store = backendStore(ioredisBackend("slow", "slow", load), {
          url: ${JSON.stringify(proxy.through(server.url))},
          timeout: "300ms",
        });
        await store.get("a").catch(({ code }) => process.stdout.write(code));
      `;
      const child = spawn(
        process.execPath,
        ["--conditions=@kv/source", "--import", "tsx", "--input-type=module", "--eval", script],
        { cwd, stdio: ["ignore", "pipe", "inherit"], timeout: 300_000 },
      );
      const output: string[] = [];
      child.stdout.on("data", (chunk) => output.push(String(chunk)));
      const [status, signal] = (await once(child, "close")) as [number | null, string | null];
      expect({ status, signal, output }).toEqual({ status: 0, signal: null, output: ["KV_UNAVAILABLE"] });
    });

    test.each([
      ["no URL", "secret"],
      ["another scheme", "http://user:secret@localhost"],
      ["a query", "redis://user:secret@localhost/?db=1"],
      ["no database", "redis://user:secret@localhost/secret"],
      ["no host", "redis://"],
    ])("E1 E2 %s is a TypeError that does not show it", (_, url) => {
      expect(() => open({ url })).toThrow(TypeError);
      expect(() => open({ url })).not.toThrow(/secret/);
    });

    test("E1 neither or both of url and client, and tls without a URL for it, are refused", () => {
      expect(() => open({} as never)).toThrow(TypeError);
      expect(() => open({ url: server.url, client: newClient() } as never)).toThrow(TypeError);
      expect(() => open({ url: server.url, tls: {} })).toThrow(TypeError);
    });

    test("a database in the URL is used", async () => {
      const store = open({ url: `${server.url}/3` });
      onTestFinished(() => store.close());
      await store.set("in 3", "x");
      expect(await server.command("EXISTS", "KV:in 3")).toBe(0);
      expect((await server.info("keyspace"))["db3"]).toContain("keys=1");
    });

    test("T5 an expiry of 1,000 years is kept to the millisecond", async () => {
      const store = open({ url: server.url });
      onTestFinished(() => store.close());
      const years = { milliseconds: 1_000 * 365.25 * 86_400_000 };
      await store.set("a", "1", { expiresIn: years });
      await store.increment("n", { expiresIn: years });
      await store.set("b", "1", { expiresIn: "1h" });
      expect(await store.touch("b", years)).toBe(true);
      for (const key of ["a", "n", "b"]) {
        expect(await store.expiresIn(key)).toBeGreaterThan(1_000 * 365.25 * 86_400 - 600);
      }
    });

    test("R3 its errors are known to be of a store", async () => {
      const store = open({ url: "redis://127.0.0.1:1" });
      const error = await store.get("a").catch((reason: unknown) => reason);
      expect(isStoreError(error, "KV_UNAVAILABLE")).toBe(true);
      expect(String(error)).toContain(`${kind} at 127.0.0.1:1`);
      await store.close();
    });
  });
}
