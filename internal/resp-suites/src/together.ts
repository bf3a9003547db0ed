import type { Socket } from "node:net";
import type { FullStore } from "@kv/core";
import { type FaultProxy, startCluster, startProxy, startStandalone } from "@kv/test-servers";
import { promisesMade } from "@kv/test-support";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import type { RespBackend } from "./contract.ts";

/** Calls of one tick travel together, and yet in order, each with its own answer. */
export async function testTogether(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  library: ClientLibrary,
): Promise<void> {
  const server = await startStandalone({ kind });
  afterAll(() => server.stop());

  async function counted(): Promise<{
    store: FullStore;
    sent: (calls: () => unknown) => Promise<Record<string, number>>;
  }> {
    const proxy: FaultProxy = await startProxy(server.port);
    const store = open({ url: proxy.through(server.url), namespace: crypto.randomUUID(), timeout: "1m" });
    onTestFinished(async () => {
      await store.close();
      await proxy.stop();
    });
    await Promise.all([
      store.increment("warm"),
      store.touch("warm", "1h"),
      store.set("warm", "x", { expiresIn: "1h" }),
    ]);
    await Promise.all([
      store.set("warm", "x", { expiresIn: "1h" }),
      store.set("up", "x", { expiresIn: "1h" }),
    ]);
    return {
      store,
      async sent(calls) {
        const before = { ...proxy.traffic.commands };
        const trips = proxy.traffic.roundTrips;
        await calls();
        const entries = Object.entries(proxy.traffic.commands).map(
          ([name, count]) => [name, count - (before[name] ?? 0)] as const,
        );
        return {
          ...Object.fromEntries(entries.filter(([, count]) => count > 0)),
          trips: proxy.traffic.roundTrips - trips,
        };
      },
    };
  }

  const keys = Array.from({ length: 100 }, (_, at) => `key ${at}`);

  describe(`${kind}: round trips`, () => {
    test("100 gets of one tick are two MGET and one round trip, a lone one is a GET", async () => {
      const { store, sent } = await counted();
      expect(await sent(() => Promise.all(keys.map((key) => store.get(key))))).toEqual({ MGET: 2, trips: 1 });
      expect(await sent(() => store.getMany(keys))).toEqual({ MGET: 2, trips: 1 });
      expect(await sent(() => store.get("key 1"))).toEqual({ GET: 1, trips: 1 });
    });

    test("100 writes of one tick are two commands of each kind, and one round trip", async () => {
      const { store, sent } = await counted();
      const all = (call: (key: string) => Promise<unknown>) => (): Promise<unknown> =>
        Promise.all(keys.map(call));
      expect(await sent(all((key) => store.set(key, "1")))).toEqual({ MSET: 2, trips: 1 });
      expect(await sent(all((key) => store.set(key, "1", { expiresIn: "1h" })))).toEqual({
        EVALSHA: 2,
        trips: 1,
      });
      expect(await sent(all((key) => store.increment(key)))).toEqual({ EVALSHA: 2, trips: 1 });
      expect(await sent(all((key) => store.touch(key, "2h")))).toEqual({ EVALSHA: 2, trips: 1 });
      expect(await sent(all((key) => store.get(key, { renewFor: "2h" })))).toEqual({ EVALSHA: 2, trips: 1 });
      expect(await sent(() => store.deleteMany(keys))).toEqual({ UNLINK: 1, trips: 1 });
    });

    test("100 takes of one tick are as many commands, and one round trip", async () => {
      const { store, sent } = await counted();
      await store.setMany(keys.map((key) => [key, "1"]));
      expect(await sent(() => Promise.all(keys.map((key) => store.take(key))))).toEqual({
        GETDEL: 100,
        trips: 1,
      });
      expect((await store.getMany(keys)).filter((value) => value !== undefined)).toEqual([]);
    });

    test("entries reads the values of many keys at a time", async () => {
      const { store, sent } = await counted();
      await store.setMany(keys.map((key) => [key, "1"]));
      let count = 0;
      const { GET = 0, MGET = 0 } = await sent(async () => {
        for await (const [key] of store.entries({ prefix: "key " })) if (keys.includes(key)) count += 1;
      });
      expect(count).toBe(100);
      expect(GET + MGET).toBeLessThan(20);
    });

    test("keys with a prefix has the server look for it: no other key comes over the wire", async () => {
      const proxy = await startProxy(server.port);
      const namespace = crypto.randomUUID();
      const store = open({ url: proxy.through(server.url), namespace, timeout: "1m" });
      onTestFinished(async () => {
        await store.deleteAll();
        await store.close();
        await proxy.stop();
      });
      await store.setMany(Array.from({ length: 2_000 }, (_, at) => [`other ${at}`, "1"] as const));
      await store.set("wanted", "1");
      const before = proxy.traffic.bytesToClient;
      for await (const key of store.keys({ prefix: "want" })) expect(key).toBe("wanted");
      expect(proxy.traffic.bytesToClient - before).toBeLessThan(20_000);
    });

    test("values of many kilobytes travel by themselves, and whole", async () => {
      const { store, sent } = await counted();
      const values = keys.slice(0, 40).map((key, at) => [key, new Uint8Array(40_000).fill(at)] as const);
      expect(await sent(() => store.setMany(values))).toMatchObject({ SET: 40 });
      for (let round = 0; round < 3; round += 1) {
        const found = await store.getMany(values.map(([key]) => key));
        expect(found.every((value, at) => value !== undefined && sameBytes(value, values[at]?.[1]))).toBe(
          true,
        );
      }
      expect(await sent(() => store.getMany(values.map(([key]) => key)))).toMatchObject({ GET: 40 });
    });
  });

  describe(`${kind}: copies`, () => {
    test("a long value goes to the socket as it is: text uncopied, bytes in the one copy that S3 asks for", async () => {
      const client = makeClient(library, { topology: "standalone", ports: [server.port] });
      const store = open({ client, closeClient: true, namespace: crypto.randomUUID() });
      onTestFinished(() => store.close());
      const text = "x".repeat(100_000);
      const beyondAscii = `${text}\u{1F511}`;
      const bytes = new Uint8Array(100_000).fill(200);
      await store.set("swapped", text);
      const write = vi.spyOn(socketOf(client), "write");
      const calls = [
        store.set("text", text),
        store.set("bytes", bytes, { expiresIn: "1h" }),
        store.compareAndSet("swapped", text, beyondAscii),
      ];
      await Promise.all(calls);
      const long = write.mock.calls.map(([chunk]) => chunk).filter(({ length }) => length > 10_000);
      expect(long.map((chunk) => (typeof chunk === "string" ? chunk : "bytes"))).toEqual([
        text,
        "bytes",
        text,
        beyondAscii,
      ]);
      expect((long[1] as Buffer).buffer).not.toBe(bytes.buffer);
      const found = await store.getMany(["text", "bytes", "swapped"]);
      const expected = [Buffer.from(text), bytes, Buffer.from(beyondAscii)];
      expect(found.map((value, at) => sameBytes(value as Uint8Array, expected[at]))).toEqual([
        true,
        true,
        true,
      ]);
    });

    test("S3 values that came in pieces stay as they were, whatever is read after them", async () => {
      const { store } = await counted();
      const lengths = [4_096, 8_192, 10_000, 32_768, 40_000, 65_536, 100_000];
      const values = Array.from(
        { length: 70 },
        (_, at) => [`${at}`, new Uint8Array(lengths[at % lengths.length] ?? 0).fill(at)] as const,
      );
      await store.setMany(values);
      const read: (readonly [found: Uint8Array | undefined, expected: Uint8Array])[] = [];
      for (let round = 0; round < 10; round += 1) {
        const shown = values.slice(round); // the pieces are cut elsewhere each time
        const found = await Promise.all(shown.map(([key]) => store.get(key)));
        read.push(...shown.map(([, value], at) => [found[at], value] as const));
      }
      expect(read.every(([found, value]) => sameBytes(value, found))).toBe(true);
      expect(read.every(([found, value]) => found?.buffer.byteLength === value.length)).toBe(true);
    });
  });

  describe(`${kind}: promises`, () => {
    test("a call of a tick costs two, and what its command costs is shared", async () => {
      const { store } = await counted();
      const all = (call: (key: string) => Promise<unknown>) => (): unknown => {
        const made = keys.map(call);
        return new Promise((resolve) => {
          let left = made.length;
          const ended = (): void => {
            left -= 1;
            if (left === 0) resolve(undefined);
          };
          for (const one of made) void one.then(ended, ended);
        });
      };
      const calls = {
        get: all((key) => store.get(key)),
        set: all((key) => store.set(key, "1")),
        increment: all((key) => store.increment(key)),
        renew: all((key) => store.get(key, { renewFor: "1h" })),
      };
      for (const call of Object.values(calls)) {
        await call();
        const forWaiting = keys.length + 1;
        const made = (await promisesMade(call)) - forWaiting;
        expect(made).toBeGreaterThanOrEqual(2 * keys.length);
        expect(made).toBeLessThanOrEqual(2 * keys.length + 2 * 20); // there are two commands
      }
    });
  });

  describe(`${kind}: order`, () => {
    test("S6 what a tick asks of one key is done in the order of the calls, whatever travels with what", async () => {
      const { store } = await counted();
      const answers = await Promise.all([
        store.get("k"),
        store.set("k", "1"),
        store.get("k"),
        store.increment("k"),
        store.get("other"),
        store.set("k", "7", { expiresIn: "1h" }),
        store.increment("k", { by: -2 }),
        store.getMany(["k", "other"]),
        store.delete("k"),
        store.exists("k"),
        store.setIfAbsent("k", "a"),
        store.compareAndSet("k", "a", "b"),
        store.setMany([
          ["k", "c"],
          ["k2", "d"],
        ]),
        store.compareAndDelete("k", "c"),
        store.get("k"),
        store.get("k2"),
        store.take("k2"),
        store.set("k2", "e"),
        store.take("k2"),
        store.take("k2"),
      ]);
      expect(answers.map(readable)).toEqual([
        undefined,
        undefined,
        "1",
        { value: 2, expiresIn: Number.POSITIVE_INFINITY },
        undefined,
        undefined,
        { value: 5, expiresIn: expect.closeTo(3600, -2) },
        ["5", undefined],
        true,
        false,
        true,
        true,
        undefined,
        true,
        undefined,
        "d",
        "d",
        undefined,
        "e",
        undefined,
      ]);
    });

    test("S6 a batch of 200,000 entries goes in pieces, and calls made meanwhile come after it on its keys", {
      timeout: 300_000,
    }, async () => {
      const { store } = await counted();
      const entries = Array.from({ length: 200_000 }, (_, at) => [`bulk ${at}`, "old"] as const);
      const bulk = store.setMany(entries);
      const overtaking = store.set("elsewhere", "x");
      const later = [
        store.set("bulk 199999", "new"),
        store.delete("bulk 150000"),
        store.take("bulk 160000").then(readable),
        store.increment("bulk 100000").catch(() => "refused"),
      ];
      let bulkDone = false;
      void bulk.then(() => {
        bulkDone = true;
      });
      await overtaking;
      expect(bulkDone).toBe(false);
      await bulk;
      expect(await Promise.all(later)).toEqual([undefined, true, "old", "refused"]);
      const found = await store.getMany(entries.map(([key]) => key));
      expect(readable(found.slice(149_999, 150_002))).toEqual(["old", undefined, "old"]);
      expect(readable(found.at(-1))).toBe("new");
      expect(found.filter((value) => value === undefined)).toHaveLength(2);
      expect(await store.deleteMany(entries.map(([key]) => key))).toBe(199_998);
    });

    test("S6 N5 calls made while deleteAll is in progress find everything gone, and what they write stays", async () => {
      const { store } = await counted();
      const namespace = store.withNamespace("emptied");
      await namespace.setMany(Array.from({ length: 5_000 }, (_, at) => [`${at}`, "1"] as const));
      const emptied = namespace.deleteAll();
      const calls = [
        namespace.get("1"),
        namespace.setIfAbsent("2", "new"),
        namespace.increment("3"),
        namespace.compareAndSet("4", "1", "2"),
        namespace.set("5", "new", { keepExpiry: true }),
        namespace.exists("6"),
        namespace.take("7"),
      ];
      expect((await Promise.all(calls)).map(readable)).toEqual([
        undefined,
        true,
        { value: 1, expiresIn: Number.POSITIVE_INFINITY },
        false,
        undefined,
        false,
        undefined,
      ]);
      await emptied;
      const left: string[] = [];
      for await (const key of namespace.keys()) left.push(key);
      expect(left.toSorted()).toEqual(["2", "3", "5"]);
    });

    test("S6 the same on a cluster, key by key", { timeout: 300_000 }, async () => {
      const cluster = await startCluster({ kind, replicas: 0 });
      onTestFinished(() => cluster.stop());
      const ports = cluster.nodes.map(({ port }) => port);
      const store = open({ client: makeClient(library, { topology: "cluster", ports }), closeClient: true });
      onTestFinished(() => store.close());
      const counts = await Promise.all(
        keys.flatMap((key) => [
          store.increment(key),
          store.set(key, "5", { expiresIn: "1h" }),
          store.increment(key),
          store.getMany([key]),
        ]),
      );
      for (const [at] of keys.entries()) {
        expect(counts.slice(4 * at, 4 * at + 4).map(readable)).toEqual([
          { value: 1, expiresIn: Number.POSITIVE_INFINITY },
          undefined,
          { value: 6, expiresIn: expect.closeTo(3600, -2) },
          ["6"],
        ]);
      }
    });
  });
}

function socketOf(client: unknown): Socket {
  return (client as { readonly stream: Socket }).stream;
}

function readable(answer: unknown): unknown {
  if (answer instanceof Uint8Array) return new TextDecoder().decode(answer);
  return Array.isArray(answer) ? answer.map(readable) : answer;
}

/** Vitest's own comparison takes seconds for megabytes. */
function sameBytes(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}
