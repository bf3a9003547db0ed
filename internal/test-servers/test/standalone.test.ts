import { existsSync } from "node:fs";
import {
  handOver,
  makeCertificates,
  sendCommand,
  standaloneUrl,
  startReplication,
  startStandalone,
  until,
} from "@kv/test-servers";
import { describe, expect, test } from "vitest";
import { isRunning } from "./is-running.ts";
import { rawConnection } from "./raw-connection.ts";

const kinds = ["redis", "valkey"] as const;
const timeout = 30_000;

describe.each(kinds)("%s", { timeout }, (kind) => {
  test("a started server is of its kind, answers, and is empty", async () => {
    await using server = await startStandalone({ kind });
    expect(await server.command("PING")).toBe("PONG");
    expect(await server.command("DBSIZE")).toBe(0);
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(await server.info("server")).toMatchObject({ process_id: String(server.pid) });
    expect(await server.log()).toContain(kind === "redis" ? "Redis" : "Valkey");
  });

  test("servers started at once have ports of their own", async () => {
    const servers = await Promise.all(Array.from({ length: 8 }, () => startStandalone({ kind })));
    try {
      expect(new Set(servers.map(({ port }) => port)).size).toBe(8);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });

  test("stop ends the process and removes its folder; a second stop is nothing", async () => {
    const server = await startStandalone({ kind });
    await server.stop();
    await server.stop();
    expect(server.running).toBe(false);
    expect(isRunning(server.pid)).toBe(false);
    expect(existsSync(server.folder)).toBe(false);
    await expect(server.restart()).rejects.toThrow("for good");
  });

  test("a killed server refuses connections and comes back on its port, under another pid", async () => {
    await using server = await startStandalone({ kind });
    const { pid, port } = server;
    await server.kill();
    expect(isRunning(pid)).toBe(false);
    await expect(server.command("PING")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await server.command("PING")).toBe("PONG");
  });

  test("a paused server takes connections and says nothing until it is resumed", async () => {
    await using server = await startStandalone({ kind });
    await server.pause();
    await expect(sendCommand(server, ["PING"], 200)).rejects.toThrow("No answer");
    server.resume();
    expect(await server.command("PING")).toBe("PONG");
  });

  test("a restarted server that reads its dump can be met while it is loading", async () => {
    await using server = await startStandalone({ kind });
    await server.command("DEBUG", "POPULATE", "2000", "key", "5000");
    await server.command("SAVE");
    // A minute of loading, in which it looks up from its work every few keys.
    const args = ["--key-load-delay", "30000", "--loading-process-events-interval-bytes", "1024"];
    await server.restart({ args, whileLoading: true });
    await expect(server.command("GET", "key:1")).rejects.toThrow(/^LOADING/);
    await server.restart();
    expect(await server.command("DBSIZE")).toBe(2000);
  });

  test("a server that does not start says why", async () => {
    await expect(startStandalone({ kind, args: ["--no-such-option", "1"] })).rejects.toThrow(
      "no-such-option",
    );
  });

  test("a password is asked for", async () => {
    await using server = await startStandalone({ kind, password: "s3cret/+" });
    expect(server.url).toBe(`redis://:s3cret%2F%2B@127.0.0.1:${server.port}`);
    expect(await server.command("PING")).toBe("PONG");
    const { port } = server;
    await expect(sendCommand({ port }, ["PING"])).rejects.toThrow(/^NOAUTH/);
    await expect(sendCommand({ port, password: "wrong" }, ["PING"])).rejects.toThrow(/^WRONGPASS/);
  });

  test("an ACL user may do what its line says, and the default user everything", async () => {
    const acl = ["user limited on >pw ~* &* +@all -@scripting -scan"];
    await using server = await startStandalone({ kind, password: "boss", acl });
    const limited = { port: server.port, username: "limited", password: "pw" };
    expect(await sendCommand(limited, ["SET", "a", "1"])).toBe("OK");
    await expect(sendCommand(limited, ["SCAN", "0"])).rejects.toThrow(/^NOPERM/);
    await expect(sendCommand(limited, ["EVAL", "return 1", "0"])).rejects.toThrow(/^NOPERM/);
    expect(await server.command("EVAL", "return 1", "0")).toBe(1);
    await expect(sendCommand({ port: server.port }, ["PING"])).rejects.toThrow(/^NOAUTH/);
    expect(server.urlAs("limited", "pw")).toBe(`redis://limited:pw@127.0.0.1:${server.port}`);
  });

  test("with TLS its own authority is trusted, another one and a plain connection are not", async () => {
    await using server = await startStandalone({ kind, tls: true });
    expect(server.url).toBe(`rediss://127.0.0.1:${server.port}`);
    expect(await server.command("PING")).toBe("PONG");
    const wrong = { port: server.port, ca: makeCertificates().ca };
    await expect(sendCommand(wrong, ["PING"])).rejects.toMatchObject({ code: "CERT_SIGNATURE_FAILURE" });
    await expect(sendCommand({ port: server.port }, ["PING"])).rejects.toThrow();
  });

  test("a full server refuses writes and still reads", async () => {
    await using server = await startStandalone({ kind, maxmemory: "3mb" });
    const write = (): Promise<unknown> => server.command("RPUSH", "list", "x".repeat(1_000_000));
    await expect(Promise.all(Array.from({ length: 5 }, write))).rejects.toThrow(/^OOM/);
    expect(await server.command("GET", "absent")).toBeNull();
  });

  test("a replica has what its primary has, and is read-only", async () => {
    await using replication = await startReplication({ kind, replicas: 2, password: "pw", tls: true });
    const { primary, replicas } = replication;
    await primary.command("SET", "a", "1");
    await replication.untilInSync();
    for (const replica of replicas) {
      expect(await replica.command("GET", "a")).toBe("1");
      await expect(replica.command("SET", "a", "2")).rejects.toThrow(/^READONLY/);
    }
  });

  test("handOver makes the replica the primary: nothing that was acknowledged is lost, connections stay open", async () => {
    await using replication = await startReplication({ kind });
    const { primary, replicas } = replication;
    const [heir = primary] = replicas;
    using open = await rawConnection(primary.port);
    const counted = { acknowledged: 0 };
    const refusal = (async () => {
      for (;;) {
        await primary.command("INCR", "n");
        counted.acknowledged += 1;
      }
    })().catch(String);
    await until("some are acknowledged", 60_000, () => (counted.acknowledged > 10 ? true : undefined));
    await handOver(primary, heir);
    expect(await refusal).toMatch(/READONLY/);
    expect(await heir.command("GET", "n")).toBe(String(counted.acknowledged));
    expect(await heir.command("INCR", "n")).toBe(counted.acknowledged + 1);
    open.send("INCR n");
    await until("it is refused", 60_000, () => (open.text.startsWith("-READONLY") ? true : undefined));
    await until("the old primary has it too", 60_000, async () =>
      (await primary.command("GET", "n")) === String(counted.acknowledged + 1) ? true : undefined,
    );
  });

  test("standaloneUrl starts a server, or uses the address in the environment", async () => {
    const variable = `KV_TEST_${kind.toUpperCase()}_URL`;
    const before = process.env[variable];
    try {
      delete process.env[variable];
      await using started = await standaloneUrl(kind);
      expect(started.url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
      process.env[variable] = "redis://elsewhere.example:6379";
      await using given = await standaloneUrl(kind);
      expect(given.url).toBe("redis://elsewhere.example:6379");
    } finally {
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
    }
  });
});
