import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { isStoreError } from "@kv/core";
import { makeCertificates, type RunningServer, startReplication, startStandalone } from "@kv/test-servers";
import { expectCode } from "@kv/test-support";
import { describe, expect, onTestFinished, test } from "vitest";
import type { RespBackend } from "./contract.ts";

/** Tests the codes of what a server refuses, and that no error contains what was asked. */
export function testRefusals({ kind, open }: Pick<RespBackend, "kind" | "open">): void {
  function storeAt(url: string, options: { tls?: { ca: string } } = {}): ReturnType<typeof open> {
    const store = open({ url, ...options });
    onTestFinished(() => store.close());
    return store;
  }

  async function started(
    options: Omit<Parameters<typeof startStandalone>[0], "kind">,
  ): Promise<RunningServer> {
    const server = await startStandalone({ kind, ...options });
    onTestFinished(() => server.stop());
    return server;
  }

  describe(`${kind}: a full server`, () => {
    test("E1 writes are KV_FULL and change nothing, reads and removals go on", async () => {
      const server = await started({ maxmemory: "8mb" });
      const store = storeAt(server.url);
      await store.set("old", "before");
      await store.set("n", "1");
      await server.command("DEBUG", "POPULATE", "60000", "filler", "100");
      const value = "x".repeat(200);
      const calls = [
        () => store.set("old", value),
        () => store.set("new", value, { expiresIn: "1h" }),
        () => store.set("old", value, { keepExpiry: true }),
        () => store.increment("n"),
        () => store.increment("m", { expiresIn: "1h" }),
        () => store.setIfAbsent("new", value),
        () => store.compareAndSet("old", "before", value),
        () =>
          store.setMany([
            ["new", value],
            ["old", value],
          ]),
        () =>
          store.setMany(
            [
              ["new", value],
              ["old", value],
            ],
            { expiresIn: "1h" },
          ),
      ];
      for (const call of calls) await expectCode(call(), "KV_FULL");
      await Promise.all(calls.map((call) => expectCode(call(), "KV_FULL")));
      expect(await texts(store, ["old", "new", "n", "m"])).toEqual(["before", undefined, "1", undefined]);
      expect(await store.touch("old", "1h")).toBe(true);
      expect(await store.delete("n")).toBe(true);
      expect(new TextDecoder().decode(await store.take("old"))).toBe("before");
      await store.deleteAll();
      expect(await store.exists("old")).toBe(false);
    });
  });

  describe(`${kind}: a replica`, () => {
    test("E1 writes are KV_READ_ONLY, reads go on", async () => {
      const { primary, replicas, untilInSync, stop } = await startReplication({ kind });
      onTestFinished(stop);
      await storeAt(primary.url).set("a", "1");
      await untilInSync();
      const store = storeAt(replicas[0]?.url ?? "");
      const calls = [
        () => store.set("a", "2"),
        () => store.set("a", "2", { expiresIn: "1h" }),
        () => store.increment("a"),
        () => store.delete("a"),
        () => store.compareAndSet("a", "1", "2"),
        () => store.compareAndDelete("a", "1"),
        () => store.take("a"),
        () => store.deleteMany(["a", "b"]),
        () =>
          store.setMany([
            ["a", "2"],
            ["b", "2"],
          ]),
        () => store.deleteAll(),
      ];
      for (const call of calls) await expectCode(call(), "KV_READ_ONLY");
      await Promise.all(calls.map((call) => expectCode(call(), "KV_READ_ONLY")));
      expect(await texts(store, ["a"])).toEqual(["1"]);
    });
  });

  describe(`${kind}: rights`, () => {
    test("the rights that the README names are enough", async () => {
      const readme = readFileSync(new URL(`../../../packages/${kind}/README.md`, import.meta.url), "utf8");
      const [rights = ""] = /^The store's user needs[^.]*\./ms.exec(readme) ?? [];
      const commands = rights.match(/\+[a-z]+/g) ?? [];
      expect(commands.length).toBeGreaterThan(12);
      const server = await started({
        acl: [`user limited on >secret -@all ${commands.join(" ")} ~KV:* ~KV/*`],
      });
      const store = storeAt(server.urlAs("limited", "secret")).withNamespace("a");
      const some = { expiresIn: "1h" } as const;
      await Promise.all([
        store.set("a", "1"),
        store.set("b", "2"),
        store.set("c", "3", some),
        store.set("d", "4", some),
      ]);
      await Promise.all([
        store.increment("a"),
        store.touch("c", "2h"),
        store.get("d", { renewFor: Number.POSITIVE_INFINITY }),
      ]);
      expect(await store.expiresIn("d")).toBe(Number.POSITIVE_INFINITY);
      expect(await store.setIfAbsent("e", "5", some)).toBe(true);
      expect(await store.compareAndSet("e", "5", "6", { keepExpiry: true })).toBe(true);
      expect(await store.compareAndDelete("e", "6")).toBe(true);
      expect(await texts(store, ["a", "b", "c"])).toEqual(["2", "2", "3"]);
      expect(new TextDecoder().decode(await store.take("b"))).toBe("2");
      expect(await store.deleteMany(["a", "b"])).toBe(1);
      expect((await listed(store.keys())).toSorted()).toEqual(["c", "d"]);
      expect(await listed(store.keys({ prefix: "c" }))).toEqual(["c"]);
      for await (const [key, value] of store.entries({ prefix: "d" })) {
        expect([key, new TextDecoder().decode(value)]).toEqual(["d", "4"]);
      }
      await store.deleteAll();
      expect(await store.exists("c")).toBe(false);
    });

    test("E1 without EVAL what needs a script is KV_DENIED, and all else works, many concurrently too", async () => {
      const server = await started({ acl: ["user limited on >secret ~* &* +@all -@scripting"] });
      const store = storeAt(server.urlAs("limited", "secret"));
      await Promise.all([
        store.set("a", "1", { expiresIn: "1h" }),
        store.set("b", "2", { expiresIn: "1h" }),
        store.set("c", "3", { keepExpiry: true }),
        store.set("d", "4"),
        store.set("e", "5"),
      ]);
      expect(await texts(store, ["a", "b", "c", "d", "e"])).toEqual(["1", "2", "3", "4", "5"]);
      expect(await store.setIfAbsent("a", "2")).toBe(false);
      const calls = [
        () => store.increment("a"),
        () => store.touch("a", "1h"),
        () => store.get("a", { renewFor: "1h" }),
        () => store.compareAndSet("a", "1", "2"),
        () => store.compareAndDelete("a", "1"),
      ];
      for (const call of calls) await expectCode(call(), "KV_DENIED");
      await Promise.all([...calls, ...calls].map((call) => expectCode(call(), "KV_DENIED")));
      expect(new TextDecoder().decode(await store.take("b"))).toBe("2");
      await store.deleteAll();
      expect(await store.exists("a")).toBe(false);
    });

    test("E1 without SCAN deleteAll and listings are KV_DENIED, and delete nothing", async () => {
      const server = await started({ acl: ["user limited on >secret ~* &* +@all -scan"] });
      const store = storeAt(server.urlAs("limited", "secret"));
      await store.set("a", "1");
      await expectCode(store.deleteAll(), "KV_DENIED");
      await expectCode(listed(store.keys()), "KV_DENIED");
      await expectCode(listed(store.namespaces()), "KV_DENIED");
      expect(await texts(store, ["a"])).toEqual(["1"]);
    });

    test("E1 a right that a script lacks within is KV_DENIED", async () => {
      const server = await started({ acl: ["user limited on >secret ~* &* +@all -pexpire -incrby"] });
      const store = storeAt(server.urlAs("limited", "secret"));
      await store.set("a", "1", { expiresIn: "1h" });
      await expectCode(store.touch("a", "2h"), "KV_DENIED");
      await expectCode(store.increment("a"), "KV_DENIED");
    });

    test("S7 of calls that travel together each gets its own answer, by the right to its own key", async () => {
      const server = await started({ acl: ["user limited on >secret ~KV/mine:* &* +@all"] });
      const store = storeAt(server.urlAs("limited", "secret"));
      const mine = store.withNamespace("mine");
      const other = store.withNamespace("other");
      const answers = await Promise.allSettled([
        mine.set("a", "1"),
        other.set("a", "1"),
        mine.set("b", "2", { expiresIn: "1h" }),
        other.set("b", "2", { expiresIn: "1h" }),
        mine.increment("n"),
        other.increment("n"),
        mine.get("a"),
        other.get("a"),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(
        Array.from({ length: 4 }, () => ["fulfilled", "rejected"]).flat(),
      );
      for (const answer of answers) {
        if (answer.status === "rejected") expect(isStoreError(answer.reason, "KV_DENIED")).toBe(true);
      }
    });
  });

  describe(`${kind}: who may enter`, () => {
    test.each([
      ["a wrong password", "wrong-but-secret"],
      ["no password", ""],
    ])("E1 E2 with %s every call is KV_DENIED, and no error shows it", async (_, password) => {
      const server = await started({ password: "right-and-secret" });
      const url = Object.assign(new URL(server.url), { password }).href;
      const store = storeAt(url);
      for (const call of [store.get("a"), store.set("a", "value-and-secret")]) {
        const error = await call.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(isStoreError(error, "KV_DENIED")).toBe(true);
        const shown = inspect(error, { depth: 20, showHidden: true });
        expect(shown).toContain(`:${server.port}`);
        expect(shown).not.toContain("secret");
      }
    });

    test("E1 over TLS the store works with the right authority, and is KV_UNAVAILABLE with a wrong one", async () => {
      const server = await started({ tls: true, password: "secret" });
      const store = storeAt(server.url, { tls: { ca: server.ca ?? "" } });
      await store.set("a", "1");
      expect(await texts(store, ["a"])).toEqual(["1"]);
      await expectCode(storeAt(server.url).get("a"), "KV_UNAVAILABLE");
      await expectCode(
        storeAt(server.url, { tls: { ca: makeCertificates().ca } }).get("a"),
        "KV_UNAVAILABLE",
      );
    });
  });

  describe(`${kind}: what others keep`, () => {
    test("E1 a key of another type is KV_FAILED, and said to be one; set replaces it", async () => {
      const server = await started({});
      const store = storeAt(server.url);
      const foreign = (): Promise<unknown> => server.command("RPUSH", "KV:list", "value-and-secret");
      await foreign();
      const calls = [
        () => store.get("list"),
        () => store.get("list", { renewFor: "1h" }),
        () => store.increment("list"),
        () => store.compareAndSet("list", "1", "2"),
        () => store.compareAndDelete("list", "1"),
        () => store.take("list"),
      ];
      for (const call of calls) {
        await expectCode(call(), "KV_FAILED");
        await expect(call()).rejects.toThrow("another program");
      }
      expect(await server.command("LLEN", "KV:list")).toBe(1);
      await store.set("list", "mine");
      expect(await texts(store, ["list"])).toEqual(["mine"]);
    });

    test("E1 of steps that share a script one that meets a foreign key fails alone", async () => {
      const server = await started({});
      const store = storeAt(server.url);
      await server.command("RPUSH", "KV:list", "x");
      const [first, second, third] = await Promise.allSettled([
        store.increment("a"),
        store.increment("list"),
        store.increment("a"),
      ]);
      expect([first.status, second.status, third.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await store.increment("a")).toMatchObject({ value: 3 });
    });
  });
}

async function texts(
  store: { get(key: string): Promise<Uint8Array | undefined> },
  keys: readonly string[],
): Promise<(string | undefined)[]> {
  const found = await Promise.all(keys.map((key) => store.get(key)));
  return found.map((bytes) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes)));
}

async function listed(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const name of names) all.push(name);
  return all;
}
