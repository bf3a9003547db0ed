import { redisStore } from "@kv/redis";
import { type RunningServer, startProxy, startStandalone } from "@kv/test-servers";
import { valkeyStore } from "@kv/valkey";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { run, runText } from "./run.ts";

const openers = { redis: redisStore, valkey: valkeyStore };

describe.each(["redis", "valkey"] as const)("kv on %s", (kind) => {
  let server: RunningServer;
  let url: string;

  beforeAll(async () => {
    server = await startStandalone({ kind });
    url = `${kind}://127.0.0.1:${server.port}`;
  });
  beforeEach(() => server.command("FLUSHALL"));
  afterAll(() => server.stop());

  test("set stores any bytes of stdin, and get writes the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 1_000 }), async (bytes) => {
        expect(await run(["set", url, "k"], { input: bytes })).toMatchObject({ code: 0, stderr: "" });
        const { code, stdout } = await run(["get", url, "k"]);
        expect(code).toBe(0);
        expect(new Uint8Array(stdout)).toEqual(bytes);
      }),
      { numRuns: 30 },
    );
  });

  test("set takes the value as an argument, and any key", async () => {
    for (const key of ["", "a b", "*", "é", "line\nbreak", "KV/x:y"]) {
      expect(await runText(["set", url, key, "zwölf"])).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(await runText(["get", url, key])).toEqual({ code: 0, stdout: "zwölf", stderr: "" });
    }
    expect(await runText(["set", url, "--", "-k", "-v"])).toMatchObject({ code: 0 });
    expect(await runText(["get", url, "--", "-k"])).toMatchObject({ stdout: "-v" });
  });

  test("it sees the entries of an application, at its root and in its namespaces", async () => {
    const store = openers[kind]({ url });
    const shop = openers[kind]({ url, namespace: "shop" });
    await store.set("k", "root");
    await store.withNamespace("a/b").withNamespace("c").set("k", "below");
    await shop.set("k", "shop");
    await store.close();
    await shop.close();
    expect(await runText(["get", url, "k"])).toMatchObject({ stdout: "root" });
    expect(await runText(["get", url, "k", "-n", "a/b", "--namespace", "c"])).toMatchObject({
      stdout: "below",
    });
    expect(await runText(["get", `${url}?root=shop`, "k"])).toMatchObject({ stdout: "shop" });
    expect(await runText(["get", "env:SHOP", "k"], { env: { SHOP: `${url}?root=shop` } })).toMatchObject({
      stdout: "shop",
    });
  });

  test("get of a key that is not there ends with 1 and writes nothing to stdout", async () => {
    expect(await runText(["get", url, "nope"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "There is no such key.\n",
    });
    expect(await runText(["get", url, "nope", "--json"])).toEqual({
      code: 1,
      stdout: '{"found":false}\n',
      stderr: "",
    });
  });

  test("get --json tells text as text and other bytes in base64", async () => {
    await run(["set", url, "text", "zwölf\u009b"]);
    expect(await runText(["get", url, "text", "--json"])).toMatchObject({
      stdout: '{"found":true,"encoding":"utf8","value":"zwölf\\u009b"}\n',
    });
    await run(["set", url, "bytes"], { input: Uint8Array.of(0xff, 0) });
    expect(await runText(["get", url, "bytes", "--json"])).toMatchObject({
      stdout: '{"found":true,"encoding":"base64","value":"/wA="}\n',
    });
  });

  test("on a terminal get shows text, and keeps back what could steer it", async () => {
    await run(["set", url, "text", "two\nlines"]);
    expect(await runText(["get", url, "text"], { tty: true })).toMatchObject({
      code: 0,
      stdout: "two\nlines\n",
    });
    for (const input of ["\u001b[2J", "\u009b2J", Uint8Array.of(0xff)]) {
      await run(["set", url, "bytes"], { input });
      expect(await runText(["get", url, "bytes"], { tty: true })).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining("> value.bin"),
      });
    }
  });

  test("take writes the same bytes as get, once", async () => {
    const bytes = Uint8Array.of(0, 255, 10, 13);
    await run(["set", url, "k", "-n", "a"], { input: bytes });
    const { code, stdout } = await run(["take", url, "k", "-n", "a"]);
    expect({ code, taken: new Uint8Array(stdout) }).toEqual({ code: 0, taken: bytes });
    expect(await runText(["take", url, "k", "-n", "a"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "There is no such key.\n",
    });
    await run(["set", url, "k", "v"]);
    expect(await runText(["take", url, "k", "--json"])).toMatchObject({
      stdout: '{"found":true,"encoding":"utf8","value":"v"}\n',
    });
    expect(await runText(["take", url, "k", "--json"])).toEqual({
      code: 1,
      stdout: '{"found":false}\n',
      stderr: "",
    });
  });

  test("on a terminal take tells in JSON what could steer it, for it is there no more", async () => {
    await run(["set", url, "text", "two\nlines"]);
    expect(await runText(["take", url, "text"], { tty: true })).toMatchObject({ stdout: "two\nlines\n" });
    await run(["set", url, "bytes"], { input: Uint8Array.of(0xff, 0) });
    expect(await runText(["take", url, "bytes"], { tty: true })).toEqual({
      code: 0,
      stdout: '{"found":true,"encoding":"base64","value":"/wA="}\n',
      stderr: "The value is 2 bytes that are not plain text, so it is printed as JSON.\n",
    });
    expect(await runText(["get", url, "bytes"])).toMatchObject({ code: 1 });
  });

  test("keys --prefix lists those that begin with it, and no pattern", async () => {
    for (const key of ["user:ada", "user:bob", "u*", "order:1"]) await run(["set", url, key, "1"]);
    const listed = async (prefix: string): Promise<string[]> =>
      (await runText(["keys", url, "--prefix", prefix])).stdout.split("\n").filter(Boolean).toSorted();
    expect(await listed("user:")).toEqual(["user:ada", "user:bob"]);
    expect(await listed("u*")).toEqual(["u*"]);
    expect(await listed("")).toHaveLength(4);
    expect(await listed("nope")).toEqual([]);
  });

  test("entries tells each key with its value in JSON, one a line", async () => {
    await run(["set", url, "user:ada", "zwölf\nlines"]);
    await run(["set", url, "user:bob"], { input: Uint8Array.of(0xff, 0) });
    await run(["set", url, "order:1", "1"]);
    const entries = async (...args: string[]): Promise<unknown[]> =>
      (await runText(["entries", url, ...args])).stdout
        .split("\n")
        .filter(Boolean)
        .toSorted()
        .map((line) => JSON.parse(line) as unknown);
    const users = [
      { key: "user:ada", encoding: "utf8", value: "zwölf\nlines" },
      { key: "user:bob", encoding: "base64", value: "/wA=" },
    ];
    expect(await entries("--prefix", "user:")).toEqual(users);
    expect(await entries("--json")).toEqual([{ key: "order:1", encoding: "utf8", value: "1" }, ...users]);
    expect(await entries("-n", "empty")).toEqual([]);
  });

  test("set --expires-in, --keep-expiry and --if-absent do what they say, and ttl tells the seconds", async () => {
    expect(await runText(["set", url, "k", "1", "--expires-in", "15m"])).toMatchObject({ code: 0 });
    const left = async (): Promise<number> => Number((await runText(["ttl", url, "k"])).stdout);
    expect(await left()).toBeGreaterThan(800);
    expect(await left()).toBeLessThanOrEqual(900);

    await run(["set", url, "k", "2", "--keep-expiry"]);
    expect(await left()).toBeGreaterThan(800);
    expect(JSON.parse((await runText(["ttl", url, "k", "--json"])).stdout)).toEqual({
      found: true,
      expiresIn: expect.any(Number),
    });

    expect(await runText(["set", url, "k", "3", "--if-absent"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("left as it is"),
    });
    expect(await runText(["get", url, "k"])).toMatchObject({ stdout: "2" });
    expect(await runText(["set", url, "new", "3", "--if-absent", "--json"])).toMatchObject({
      code: 0,
      stdout: '{"set":true}\n',
    });

    await run(["set", url, "k", "4"]);
    expect(await runText(["ttl", url, "k"])).toMatchObject({ code: 0, stdout: "never\n" });
    expect(await runText(["ttl", url, "k", "--json"])).toMatchObject({
      stdout: '{"found":true,"expiresIn":null}\n',
    });
    expect(await runText(["ttl", url, "nope"])).toMatchObject({ code: 1, stdout: "" });
  });

  test("delete says how many keys there were", async () => {
    await run(["set", url, "a", "1"]);
    await run(["set", url, "b", "1"]);
    expect(await runText(["delete", url, "a", "b", "c"])).toEqual({ code: 0, stdout: "2\n", stderr: "" });
    expect(await runText(["delete", url, "a", "--json"])).toMatchObject({
      code: 0,
      stdout: '{"deleted":0}\n',
    });
  });

  test("keys and namespaces tell a name a line, whatever the name holds", async () => {
    const names = ["plain", "two\nlines", '"quoted"', "\u001b[2J", "zwölf", "a b"];
    for (const name of names) {
      await run(["set", url, name, "1"]);
      await run(["set", url, "k", "1", "-n", name]);
    }
    for (const command of ["keys", "namespaces"]) {
      const { code, stdout } = await runText([command, url]);
      const lines = stdout.trimEnd().split("\n");
      expect(code).toBe(0);
      expect(lines.toSorted()).toEqual(
        ["plain", '"two\\nlines"', '"\\"quoted\\""', '"\\u001b[2J"', "zwölf", "a b"].toSorted(),
      );
      const json = (await runText([command, url, "--json"])).stdout.trimEnd().split("\n");
      expect(json.map((line) => JSON.parse(line) as string).toSorted()).toEqual(names.toSorted());
    }
    expect(await runText(["keys", url, "-n", "empty"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("delete-all asks, and empties the namespace and what is below, and nothing else", async () => {
    const keysAt = async (...path: string[]): Promise<string> =>
      (await runText(["keys", url, ...path.flatMap((name) => ["-n", name])])).stdout;
    for (const path of [[], ["a"], ["a", "b"], ["ab"]]) {
      await run(["set", url, "k", "1", ...path.flatMap((name) => ["-n", name])]);
    }

    const declined = await runText(["delete-all", url, "-n", "a"], { tty: true, input: "n\n" });
    expect(declined).toMatchObject({ code: 1, stdout: "" });
    expect(declined.stderr).toContain(`Delete everything in the namespace "a" of ${url}`);
    expect(declined.stderr).toContain("Nothing was deleted.");
    expect(await runText(["delete-all", url, "-n", "a"], { tty: true, input: "" })).toMatchObject({
      code: 1,
    });
    expect(await runText(["delete-all", url, "-n", "a"], { input: "y\n" })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--yes"),
    });
    expect(await keysAt("a", "b")).toBe("k\n");

    expect(await runText(["delete-all", url, "-n", "a"], { tty: true, input: "yes\n" })).toMatchObject({
      code: 0,
    });
    expect(await keysAt("a")).toBe("");
    expect(await keysAt("a", "b")).toBe("");
    expect(await keysAt("ab")).toBe("k\n");
    expect(await keysAt()).toBe("k\n");
    expect(await runText(["delete-all", url, "--yes", "--json"])).toEqual({
      code: 0,
      stdout: '{"deleted":true}\n',
      stderr: "",
    });
    expect(await keysAt("ab")).toBe("");
  });

  test("delete-expired says 0: the server does it", async () => {
    expect(await runText(["delete-expired", url])).toEqual({ code: 0, stdout: "0\n", stderr: "" });
  });

  test("it ends with 4 where nothing listens, 3 where memory is full, 5 where the answer got lost", async () => {
    expect(await runText(["get", `${kind}://127.0.0.1:1`, "k"])).toMatchObject({
      code: 4,
      stdout: "",
      stderr: expect.stringMatching(/^kv: get on \w+ at 127\.0\.0\.1:1\b.*KV_UNAVAILABLE.*ECONNREFUSED/),
    });
    await server.command("CONFIG", "SET", "maxmemory", "1");
    try {
      const { code, stdout, stderr } = await runText(["set", url, "k", "v", "--json"]);
      expect(code).toBe(3);
      expect(stdout).toBe("");
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: "KV_FULL" } });
    } finally {
      await server.command("CONFIG", "SET", "maxmemory", "0");
    }
    await server.pause();
    try {
      expect(await runText(["get", url, "k", "--timeout", "200ms"])).toMatchObject({ code: 4 });
    } finally {
      server.resume();
    }
    await using proxy = await startProxy(server.port);
    const lost = proxy.dropReply("SET");
    expect(await runText(["set", proxy.through(url), "k", "v", "--timeout", "1m"])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("KV_OUTCOME_UNKNOWN"),
    });
    await lost;
  });
});
