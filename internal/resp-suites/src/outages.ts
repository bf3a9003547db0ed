import { type FullStore, isStoreError } from "@kv/core";
import { type FaultProxy, type RunningServer, startProxy, startStandalone, until } from "@kv/test-servers";
import { expectCode } from "@kv/test-support";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import type { RespBackend } from "./contract.ts";

/** Long beyond need: what a test waits for comes sooner, or never. */
const patienceMs = 120_000;

/** Tests calls while connections and servers fail. */
export async function testOutages({ kind, open }: Pick<RespBackend, "kind" | "open">): Promise<void> {
  const server = await startStandalone({ kind });
  afterAll(() => server.stop());

  interface Broken {
    readonly store: FullStore;
    readonly proxy: FaultProxy;
  }

  /** Makes a store behind a proxy. Default of `timeout`: far beyond need. */
  async function behindProxy(timeout: "50ms" | "300ms" | "1m" = "1m"): Promise<Broken> {
    const proxy = await startProxy(server.port);
    const store = open({ url: proxy.through(server.url), namespace: crypto.randomUUID(), timeout });
    onTestFinished(async () => {
      await store.close().catch(() => {}); // a silent server may hold it up
      await proxy.stop();
    });
    return { store, proxy };
  }

  async function ownServer(
    timeout: "300ms" | "1m" = "1m",
  ): Promise<{ own: RunningServer; store: FullStore }> {
    const own = await startStandalone({ kind });
    const store = open({ url: own.url, timeout });
    onTestFinished(async () => {
      await store.close().catch(() => {});
      await own.stop();
    });
    return { own, store };
  }

  describe(`${kind}: replies that do not come`, () => {
    test("S7 A1 an increment whose reply is lost is KV_OUTCOME_UNKNOWN, and counts once", async () => {
      const { store, proxy } = await behindProxy();
      await store.increment("n");
      const struck = proxy.dropReply((args) => /^eval/i.test(args[0] ?? ""));
      await expectCode(store.increment("n"), "KV_OUTCOME_UNKNOWN");
      await struck;
      expect(await store.increment("n", { by: 0 })).toMatchObject({ value: 2 });
    });

    test("S7 A4 a take whose reply is lost is KV_OUTCOME_UNKNOWN, is sent once, and the value is gone", async () => {
      const { store, proxy } = await behindProxy();
      await store.set("token", "ada", { expiresIn: "1h" });
      const before = await callsOf(server, "getdel");
      const struck = proxy.dropReply("getdel");
      await expectCode(store.take("token"), "KV_OUTCOME_UNKNOWN");
      await struck;
      expect(await store.take("token")).toBeUndefined();
      expect((await callsOf(server, "getdel")) - before).toBe(2); // one of each call
      expect(proxy.traffic.commands["GETDEL"]).toBe(2);
    });

    test("S7 A4 of takes of one tick those whose replies are lost are KV_OUTCOME_UNKNOWN, and none is sent again", async () => {
      const { store, proxy } = await behindProxy();
      const keys = Array.from({ length: 10 }, (_, at) => `${at}`);
      await store.setMany(keys.map((key) => [key, "ada"]));
      const before = await callsOf(server, "getdel");
      const struck = proxy.dropReply((args) => args[0] === "getdel" && args[1]?.endsWith(":5") === true);
      const outcomes = await Promise.allSettled(keys.map((key) => store.take(key)));
      await struck;
      const codes = outcomes.map((outcome) => (outcome.status === "fulfilled" ? "ada" : outcome.reason.code));
      expect(codes).toEqual([
        ...Array.from({ length: 5 }, () => "ada"),
        ...Array.from({ length: 5 }, () => "KV_OUTCOME_UNKNOWN"),
      ]);
      expect(await texts(store, keys)).toEqual(keys.map(() => undefined));
      expect((await callsOf(server, "getdel")) - before).toBe(10);
    });

    test.each(["set", "mset", "unlink", "getdel"] as const)(
      "S7 a write by %s that never arrives is KV_OUTCOME_UNKNOWN, and is not sent again",
      async (command) => {
        const { store, proxy } = await behindProxy();
        await store.setMany([
          ["a", "before"],
          ["b", "before"],
        ]);
        const struck = proxy.dropCommand(command);
        const calls = {
          set: () => [store.set("a", "after")],
          mset: () => [store.set("a", "after"), store.set("b", "after")],
          unlink: () => [store.delete("a")],
          getdel: () => [store.take("a")],
        }[command]();
        await Promise.all(calls.map((call) => expectCode(call, "KV_OUTCOME_UNKNOWN")));
        await struck;
        expect(await texts(store, ["a", "b"])).toEqual(["before", "before"]);
      },
    );

    test("S7 a read whose reply is lost is tried again", async () => {
      const { store, proxy } = await behindProxy();
      await store.setMany([
        ["a", "1"],
        ["b", "2"],
      ]);
      const struck = [proxy.dropReply("get"), proxy.dropReply("mget"), proxy.dropReply("pttl")];
      expect(await texts(store, ["a"])).toEqual(["1"]);
      expect(await texts(store, ["a", "b"])).toEqual(["1", "2"]);
      expect(await store.expiresIn("a")).toBe(Number.POSITIVE_INFINITY);
      await Promise.all(struck);
    });

    test("S7 a read whose reply is lost twice is KV_UNAVAILABLE", async () => {
      const { store, proxy } = await behindProxy();
      await store.set("a", "1");
      const struck = [proxy.dropReply("get"), proxy.dropReply("get")];
      await expectCode(store.get("a"), "KV_UNAVAILABLE");
      await Promise.all(struck);
      expect(await texts(store, ["a"])).toEqual(["1"]);
    });

    test("S1 a reply that is cut in two is never taken for a value", async () => {
      const { store, proxy } = await behindProxy();
      const value = new Uint8Array(300_000).map((_, at) => at % 251);
      await store.set("a", value);
      const struck = proxy.cutReply("get");
      expect(await store.get("a")).toEqual(value);
      await struck;
    });

    test("S1 replies that come byte by byte are whole", async () => {
      const { store, proxy } = await behindProxy();
      proxy.trickle(true);
      const value = new Uint8Array(700).map((_, at) => at % 251);
      await store.setMany([
        ["a", value],
        ["b", value],
      ]);
      expect(await store.getMany(["a", "b", "c"])).toEqual([value, value, undefined]);
      expect(await store.increment("n", { expiresIn: "1h" })).toMatchObject({ value: 1 });
      expect(await store.get("a", { renewFor: "1h" })).toEqual(value);
    });

    test("S7 on a silent connection reads are KV_UNAVAILABLE and writes KV_OUTCOME_UNKNOWN, within timeout", async () => {
      const { store, proxy } = await behindProxy("300ms");
      await store.set("a", "before");
      proxy.silence();
      await Promise.all([
        expectCode(store.get("a"), "KV_UNAVAILABLE"),
        expectCode(store.exists("a"), "KV_UNAVAILABLE"),
        expectCode(store.set("b", "after"), "KV_OUTCOME_UNKNOWN"),
        expectCode(store.increment("n"), "KV_OUTCOME_UNKNOWN"),
        expectCode(store.take("t"), "KV_OUTCOME_UNKNOWN"),
        expectCode(store.getMany(["a", "b"]), "KV_UNAVAILABLE"),
        expectCode(store.setMany([["c", "after"]]), "KV_OUTCOME_UNKNOWN"),
      ]);
      // The connection was given up: from now on nothing is sent into the void.
      await expectCode(store.set("d", "after"), "KV_UNAVAILABLE");
      proxy.speak();
      expect(await until("the store works again", patienceMs, () => textOf(store, "a"))).toBe("before");
      expect(await store.exists("d")).toBe(false);
    });
  });

  describe(`${kind}: servers that come and go`, () => {
    test("S7 with no server every call is KV_UNAVAILABLE, long before timeout, and works once there is one", async () => {
      const { own, store } = await ownServer("1m");
      await own.kill();
      await Promise.all([
        expectCode(store.get("a"), "KV_UNAVAILABLE"),
        expectCode(store.set("a", "1"), "KV_UNAVAILABLE"),
        expectCode(store.deleteAll(), "KV_UNAVAILABLE"),
      ]);
      await own.restart();
      expect(await store.get("a")).toBeUndefined();
      await store.set("a", "2");
      expect(await texts(store, ["a"])).toEqual(["2"]);
    });

    test("S7 after a restart in the middle the store works, scripts included", async () => {
      const { own, store } = await ownServer();
      expect(await store.increment("n")).toMatchObject({ value: 1 });
      await own.kill();
      await expectCode(store.increment("n"), "KV_UNAVAILABLE", "KV_OUTCOME_UNKNOWN");
      await own.restart();
      const counted = await until("the server is there again", patienceMs, () => store.increment("n"));
      expect(counted.value).toBe(1);
      await store.set("a", "1", { expiresIn: "1h" });
      expect(await store.touch("a", "2h")).toBe(true);
    });

    test("S7 a stopped process is noticed, and used again when it goes on", async () => {
      const { own, store } = await ownServer("300ms");
      await store.increment("n");
      await own.pause();
      await expectCode(store.increment("n"), "KV_OUTCOME_UNKNOWN");
      await expectCode(store.get("n"), "KV_UNAVAILABLE");
      own.resume();
      const text = await until("the store works again", patienceMs, () => textOf(store, "n"));
      expect(["1", "2"]).toContain(text);
    });

    test("S7 a server that is loading its data is KV_UNAVAILABLE, and used when it has", async () => {
      const { own, store } = await ownServer("300ms");
      await own.command("DEBUG", "POPULATE", "1000", "filler", "100");
      await store.set("a", "1");
      await own.command("SAVE");
      await own.restart({
        whileLoading: true,
        args: ["--key-load-delay", "30000", "--loading-process-events-interval-bytes", "1024"],
      });
      await expectCode(store.get("a"), "KV_UNAVAILABLE");
      await expectCode(store.set("a", "2"), "KV_UNAVAILABLE");
      await own.restart();
      expect(await until("it has loaded", patienceMs, () => textOf(store, "a"))).toBe("1");
    });

    test("S6 scripts that the server was told to forget are sent again", async () => {
      const { own, store } = await ownServer();
      await Promise.all([store.increment("n"), store.touch("n", "1h"), store.compareAndSet("n", "1", "1")]);
      await own.command("SCRIPT", "FLUSH");
      const answers = await Promise.all([
        store.increment("n"),
        store.touch("n", "1h"),
        store.compareAndSet("other", "1", "1"),
      ]);
      expect(answers).toMatchObject([{ value: 2 }, true, false]);
    });

    test("S7 100,000 calls while the server is away all settle, and leave nothing behind", {
      timeout: 300_000,
    }, async () => {
      const { own, store } = await ownServer();
      await store.set("a", "1");
      await own.kill();
      const codes = new Map<unknown, number>();
      const count = async (call: Promise<unknown>): Promise<void> => {
        const code = await call.then(
          () => "done",
          (error: unknown) => (isStoreError(error) ? error.code : error),
        );
        codes.set(code, (codes.get(code) ?? 0) + 1);
      };
      const calls: Promise<void>[] = [];
      for (let at = 0; at < 50_000; at += 1) {
        calls.push(count(store.get(`${at}`)), count(store.set(`${at}`, "x")));
      }
      await Promise.all(calls);
      expect([...codes.values()].reduce((sum, each) => sum + each, 0)).toBe(100_000);
      expect(
        [...codes.keys()].filter((code) => code !== "KV_UNAVAILABLE" && code !== "KV_OUTCOME_UNKNOWN"),
      ).toEqual([]);
      await own.restart();
      await until("the server is there again", patienceMs, () => store.set("b", "2").then(() => true));
      expect(Number(await own.command("DBSIZE"))).toBe(1); // nothing of the above was done later
    });
  });

  describe(`${kind}: the end`, () => {
    test("L2 close while calls are pending on a silent server ends, and they settle", async () => {
      const { store, proxy } = await behindProxy("300ms");
      await store.set("a", "1");
      proxy.silence();
      const pending = Promise.all([
        expectCode(store.get("a"), "KV_UNAVAILABLE"),
        expectCode(store.set("a", "2"), "KV_OUTCOME_UNKNOWN"),
      ]);
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await pending;
      await expectCode(store.get("a"), "KV_CLOSED");
    });

    test("L2 close while the server is away ends", async () => {
      const { own, store } = await ownServer();
      await store.set("a", "1");
      await own.kill();
      const lost = expectCode(store.get("a"), "KV_UNAVAILABLE");
      await store.close();
      await lost;
      await expectCode(store.set("a", "1"), "KV_CLOSED");
    });

    test("L2 after close no connection is tried again, even where one was about to be", async () => {
      const { store, proxy } = await behindProxy("50ms");
      const other = open({ url: proxy.through(server.url) });
      await other.exists("a"); // loads the client, which takes longer than this timeout
      await other.close();
      const { accepted } = proxy.traffic;
      await proxy.refuse();
      await expectCode(store.get("a"), "KV_UNAVAILABLE");
      const pausing = expectCode(store.get("a"), "KV_UNAVAILABLE"); // the next attempt comes after a pause
      await new Promise((resolve) => setImmediate(resolve));
      await store.close();
      await pausing;
      await proxy.accept();
      await new Promise((resolve) => setTimeout(resolve, 300)); // due after any timer of the store's
      expect(proxy.traffic.accepted).toBe(accepted);
    });

    test("L1 close ends the connection that the store opened", async () => {
      const { store, proxy } = await behindProxy();
      await store.set("a", "1");
      expect(proxy.traffic.open).toBe(1);
      await store.close();
      await until("the connection is closed", patienceMs, () =>
        proxy.traffic.open === 0 ? true : undefined,
      );
    });
  });
}

/** Counts how often a server has carried out a command. */
async function callsOf(server: RunningServer, command: string): Promise<number> {
  const stats = String(await server.command("INFO", "commandstats"));
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(stats)?.[1] ?? 0);
}

async function texts(store: FullStore, keys: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(keys.map((key) => textOf(store, key)));
}

async function textOf(store: FullStore, key: string): Promise<string | undefined> {
  const bytes = await store.get(key);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
