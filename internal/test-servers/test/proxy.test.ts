import { connect } from "node:net";
import {
  type FaultProxy,
  type RunningServer,
  sendCommand,
  startProxy,
  startStandalone,
  until,
} from "@kv/test-servers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rawConnection } from "./raw-connection.ts";

const kinds = ["redis", "valkey"] as const;

describe.each(kinds)("%s", { timeout: 300_000 }, (kind) => {
  let server: RunningServer;
  let proxy: FaultProxy;

  beforeAll(async () => {
    server = await startStandalone({ kind });
    proxy = await startProxy(server.port);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });
  beforeEach(async () => {
    await proxy.heal();
    await server.command("FLUSHALL");
  });

  test("dropReply: the server ran the command, the client sees its connection end, once", async () => {
    using client = await rawConnection(proxy.port);
    const struck = proxy.dropReply("incr");
    client.send("SET a 1", "INCR n", "SET a 2");
    await struck;
    await client.untilClosed();
    expect(client.text).toBe("+OK\r\n");
    expect(await server.command("GET", "n")).toBe("1");
    using again = await rawConnection(proxy.port);
    again.send("INCR n");
    await again.untilText(":2\r\n");
  });

  test("dropReply can wait for one command among many by its arguments", async () => {
    using client = await rawConnection(proxy.port);
    const struck = proxy.dropReply(([name, key]) => name === "GET" && key === "b");
    client.send("GET a");
    await client.untilText("$-1\r\n");
    client.send("GET b");
    await struck;
    await client.untilClosed();
    expect(client.text).toBe("$-1\r\n");
  });

  test("dropCommand: the server never sees the command, earlier ones are answered", async () => {
    using client = await rawConnection(proxy.port);
    const struck = proxy.dropCommand("INCR");
    client.send("SET a 1", "GET a", "INCR n", "SET a 2");
    await struck;
    await client.untilClosed();
    expect(client.text).toBe("+OK\r\n$1\r\n1\r\n");
    expect(await server.command("GET", "n")).toBeNull();
    expect(await server.command("GET", "a")).toBe("1");
  });

  test("cutReply: half of the reply arrives, then the connection ends", async () => {
    await server.command("SET", "a", "0123456789");
    using client = await rawConnection(proxy.port);
    const struck = proxy.cutReply("GET");
    client.send("GET a");
    await struck;
    await client.untilClosed();
    expect("$10\r\n0123456789\r\n".startsWith(client.text)).toBe(true);
    expect(client.text).toHaveLength(8);
  });

  test("holdReply: the reply waits until it is released, the order stays", async () => {
    using client = await rawConnection(proxy.port);
    const held = proxy.holdReply("INCR");
    client.send("SET a 1", "INCR n", "GET a");
    await held.reached;
    expect(await server.command("GET", "n")).toBe("1");
    await client.untilText("+OK\r\n");
    held.release();
    await client.untilText("+OK\r\n:1\r\n$1\r\n1\r\n");
  });

  test("answer: the client gets the error in its turn, so many times; the server never sees the command", async () => {
    using client = await rawConnection(proxy.port);
    const held = proxy.holdReply("PING");
    const struck = proxy.answer(([, key]) => key === "n", "TRYAGAIN later", 2);
    client.send("PING", "INCR n", "INCR m", "INCR n", "INCR n");
    await held.reached;
    expect(client.text).toBe("");
    held.release();
    await struck;
    await client.untilText("+PONG\r\n-TRYAGAIN later\r\n:1\r\n-TRYAGAIN later\r\n:1\r\n");
    const endless = proxy.answer("GET", "CLUSTERDOWN", Number.POSITIVE_INFINITY);
    using other = await rawConnection(proxy.port);
    other.send("GET n");
    await endless;
    other.send("GET n", "GET n");
    await other.untilText("-CLUSTERDOWN\r\n".repeat(3));
    await proxy.heal();
    other.send("GET n");
    await other.untilText(`${"-CLUSTERDOWN\r\n".repeat(3)}$1\r\n1\r\n`);
  });

  test("onCommand and onReply: all is told, what is answered here, and the command that is dropped, included", async () => {
    await using told = await startProxy(server.port);
    const commands: string[] = [];
    const replies: string[] = [];
    told.onCommand((args) => commands.push(args.join(" ")));
    told.onReply((args, reply) => replies.push(`${args.join(" ")}: ${reply.toString().trim()}`));
    using client = await rawConnection(told.port);
    const answered = told.answer("incr", "TRYAGAIN");
    const dropped = told.dropCommand(([, key]) => key === "b");
    client.send("SET a 1", "PING");
    await client.untilText("+OK\r\n+PONG\r\n");
    client.send("INCR n", "GET b");
    await Promise.all([answered, dropped]);
    await client.untilClosed();
    expect(client.text).toBe("+OK\r\n+PONG\r\n-TRYAGAIN\r\n");
    expect(commands).toEqual(["SET a 1", "PING", "INCR n", "GET b"]);
    expect(replies).toEqual(["SET a 1: +OK", "PING: +PONG", "INCR n: -TRYAGAIN"]);
  });

  test("silence: connections are taken and stay, nothing passes until it speaks", async () => {
    using before = await rawConnection(proxy.port);
    proxy.silence();
    using during = await rawConnection(proxy.port);
    before.send("INCR n");
    during.send("INCR n");
    // Whatever the proxy let through would be at the server before this.
    expect(await server.command("GET", "n")).toBeNull();
    expect(before.text + during.text).toBe("");
    proxy.speak();
    await until("both answers", 60_000, () =>
      [before.text, during.text].toSorted().join("") === ":1\r\n:2\r\n" ? true : undefined,
    );
  });

  test("mute: what was open ends, what comes is taken and silent, for ever; after unmute what comes works", async () => {
    await using own = await startProxy(server.port);
    using before = await rawConnection(own.port);
    before.send("PING");
    await before.untilText("+PONG\r\n");
    own.mute();
    await before.untilClosed();
    using during = await rawConnection(own.port);
    during.send("INCR n");
    await until("it is taken", 60_000, () => (own.traffic.open === 1 ? true : undefined));
    own.unmute();
    using after = await rawConnection(own.port);
    after.send("INCR n");
    await after.untilText(":1\r\n");
    // What the proxy let through would be at the server before this, and answered.
    await own.heal();
    during.send("INCR n");
    after.send("GET n");
    await after.untilText(":1\r\n$1\r\n1\r\n");
    expect(during).toMatchObject({ text: "", closed: false });
  });

  test("forget: open connections are silent for ever, even when the server dies; new ones work", async () => {
    await using own = await startProxy(server.port);
    using open = await rawConnection(own.port);
    const held = own.holdReply("GET");
    open.send("PING", "GET a");
    await open.untilText("+PONG\r\n");
    await held.reached;
    own.forget();
    held.release();
    open.send("INCR n");
    using later = await rawConnection(own.port);
    later.send("INCR n");
    await later.untilText(":1\r\n");
    await own.heal();
    await server.kill();
    await later.untilClosed();
    await server.restart();
    using again = await rawConnection(own.port);
    again.send("PING");
    await again.untilText("+PONG\r\n");
    expect(open).toMatchObject({ text: "+PONG\r\n", closed: false });
  });

  test("blackhole: a new connection is neither made nor refused, open ones live, accept ends it", async () => {
    using open = await rawConnection(proxy.port);
    await proxy.blackhole();
    const attempt = connect({ host: "127.0.0.1", port: proxy.port });
    const heard: string[] = [];
    for (const event of ["connect", "error", "close"]) attempt.on(event, () => heard.push(event));
    await new Promise((resolve) => setTimeout(resolve, 300)); // many times what connecting on loopback takes
    expect(heard).toEqual([]);
    open.send("PING");
    await open.untilText("+PONG\r\n");
    attempt.destroy();
    await proxy.accept();
    using later = await rawConnection(proxy.port);
    later.send("PING");
    await later.untilText("+PONG\r\n");
  });

  test("blackhole: begun while it refuses, and ended by refuse and by stop", async () => {
    await using lost = await startProxy(server.port);
    await lost.refuse();
    await lost.blackhole();
    await lost.refuse();
    await expect(rawConnection(lost.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await lost.blackhole();
    await lost.stop();
    await expect(rawConnection(lost.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("leadTo: new connections go to the other server, open ones stay where they are", async () => {
    await using other = await startStandalone({ kind });
    await using switched = await startProxy(server.port);
    using open = await rawConnection(switched.port);
    open.send("INCR n");
    await open.untilText(":1\r\n");
    switched.leadTo(other.port);
    using later = await rawConnection(switched.port);
    later.send("INCR n");
    await later.untilText(":1\r\n");
    open.send("INCR n");
    await open.untilText(":1\r\n:2\r\n");
    expect(await other.command("GET", "n")).toBe("1");
  });

  test("trickle: replies come byte by byte", async () => {
    using client = await rawConnection(proxy.port);
    proxy.trickle(true);
    client.send("PING", "ECHO hello");
    await client.untilText("+PONG\r\n$5\r\nhello\r\n");
    expect(client.chunks).toEqual(client.text.split(""));
  });

  test("refuse: new connections fail, open ones live, accept ends it on the same port", async () => {
    using open = await rawConnection(proxy.port);
    await proxy.refuse();
    await expect(rawConnection(proxy.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    open.send("PING");
    await open.untilText("+PONG\r\n");
    await proxy.accept();
    using later = await rawConnection(proxy.port);
    later.send("PING");
    await later.untilText("+PONG\r\n");
  });

  test("cut: every open connection ends", async () => {
    using one = await rawConnection(proxy.port);
    using two = await rawConnection(proxy.port);
    await until("both are through", 60_000, () => (proxy.traffic.open === 2 ? true : undefined));
    proxy.cut();
    await one.untilClosed();
    await two.untilClosed();
    await until("none is open", 60_000, () => (proxy.traffic.open === 0 ? true : undefined));
  });

  test("traffic: a pipeline is one round trip, one command after the other are as many", async () => {
    await using counted = await startProxy(server.port);
    using client = await rawConnection(counted.port);
    client.send("SET a 1", "GET a", "GET a");
    await client.untilText("+OK\r\n$1\r\n1\r\n$1\r\n1\r\n");
    expect(counted.traffic).toMatchObject({ accepted: 1, open: 1, roundTrips: 1, replies: 3 });
    expect(counted.traffic.commands).toEqual({ SET: 1, GET: 2 });
    client.send("PING");
    await client.untilText("+OK\r\n$1\r\n1\r\n$1\r\n1\r\n+PONG\r\n");
    expect(counted.traffic.roundTrips).toBe(2);
    expect(counted.traffic.bytesToClient).toBe(client.text.length);
    expect(counted.traffic.bytesToServer).toBe(27 + 2 * 20 + 14);
  });

  test("a server that is down or dies: the client's connection ends", async () => {
    using client = await rawConnection(proxy.port);
    client.send("PING");
    await client.untilText("+PONG\r\n");
    await server.kill();
    await client.untilClosed();
    using early = await rawConnection(proxy.port);
    await early.untilClosed();
    await server.restart();
    using late = await rawConnection(proxy.port);
    late.send("PING");
    await late.untilText("+PONG\r\n");
  });

  test("through puts the proxy's port into a URL and leaves the rest", () => {
    expect(proxy.through("rediss://u:p%2F@127.0.0.1:6379/2")).toBe(
      `rediss://u:p%2F@127.0.0.1:${proxy.port}/2`,
    );
  });

  test("TLS passes through as it is", async () => {
    await using secure = await startStandalone({ kind, tls: true });
    await using tunnel = await startProxy(secure.port);
    expect(await sendCommand({ port: tunnel.port, ca: secure.ca }, ["PING"])).toBe("PONG");
    expect(tunnel.traffic).toMatchObject({ commands: {}, accepted: 1 });
  });
});
