import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { buffer, text } from "node:stream/consumers";
import { promisify } from "node:util";
import { redisStore } from "@kv/redis";
import { type RunningServer, startProxy, startStandalone } from "@kv/test-servers";
import { valkeyStore } from "@kv/valkey";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";

const limit = { timeout: 300_000 };
const main = new URL("../src/main.ts", import.meta.url).pathname;
const node = ["--conditions=@kv/source", "--import", "tsx", main];

describe("the kv process", () => {
  let source: RunningServer;
  let target: RunningServer;
  let from: string;
  let to: string;

  beforeAll(async () => {
    source = await startStandalone({ kind: "redis" });
    target = await startStandalone({ kind: "valkey" });
    from = `redis://127.0.0.1:${source.port}`;
    to = `valkey://127.0.0.1:${target.port}`;
  });
  beforeEach(async () => {
    await source.command("FLUSHALL");
    await target.command("FLUSHALL");
  });
  afterAll(async () => {
    await source.stop();
    await target.stop();
  });

  /** The target through a proxy, which holds up a copy at its eighth write. */
  async function heldOnItsWay(): Promise<{ through: string; reached: Promise<void>; release(): void }> {
    const proxy = await startProxy(target.port);
    onTestFinished(() => proxy.stop());
    let writes = 0;
    const { reached, release } = proxy.holdReply(([name = ""]) => {
      if (/^m?set$/i.test(name)) writes += 1;
      return writes === 8;
    });
    return { through: proxy.through(to), reached, release };
  }

  test("passes megabytes of any bytes through its pipes, and ends by itself", limit, async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 7919) >> 5));
    const setting = start("set", from, "k", "--expires-in", "1h");
    setting.stdin?.end(bytes);
    expect(await ended(setting)).toEqual({ code: 0, stdout: Buffer.alloc(0), stderr: "" });
    const { code, stdout, stderr } = await ended(start("get", from, "k"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.equals(bytes)).toBe(true);
  });

  test("ends with the code of the outcome, and writes only the answer to stdout", limit, async () => {
    expect(await ended(start("ttl", from, "nope"))).toEqual({
      code: 1,
      stdout: Buffer.alloc(0),
      stderr: "There is no such key.\n",
    });
    expect(await ended(start("delete-all", from))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Pass --yes"),
    });
    expect(await ended(start("get", "redis://127.0.0.1:1", "k"))).toMatchObject({ code: 4 });
  });

  test("an answer that cannot be written is a failure, not a no", {
    ...limit,
    skip: !existsSync("/dev/full"),
  }, async () => {
    await source.command("SET", "KV:k", "v");
    const full = openSync("/dev/full", "w");
    const getting = spawn(process.execPath, [...node, "get", from, "k"], { stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    const stderr = getting.stderr === null ? "" : await text(getting.stderr);
    expect(stderr).toMatch(/^kv: The output cannot be written: ENOSPC/);
    expect(getting.exitCode ?? (await once(getting, "close"))[0]).toBe(3);
  });

  test("ends quietly when its reader has enough", limit, async () => {
    await source.command("DEBUG", "POPULATE", "20000", "KV:a-long-prefix-of-a-key");
    const { stdout, stderr } = await promisify(execFile)("sh", [
      "-c",
      `"$0" "$@" | head -n 1`,
      process.execPath,
      ...node,
      "keys",
      from,
    ]);
    expect(stdout).toMatch(/^a-long-prefix-of-a-key:\d+\n$/);
    expect(stderr).toBe("");
  });

  test("copy keeps bytes, expiries and namespaces, from one kind of server to the other", limit, async () => {
    await using store = redisStore({ url: from });
    await store.set("root", Uint8Array.of(0, 255));
    await store.withNamespace("sessions").set("ada", "in", { expiresIn: "1h" });
    await store.withNamespace("tenants").withNamespace("a/b").set("k", "v");

    const beganMs = performance.now();
    const copied = await ended(start("copy", from, to, "--json", "--progress"));
    const tookMs = performance.now() - beganMs;
    expect(copied.code).toBe(0);
    expect(JSON.parse(copied.stdout.toString())).toEqual({
      copied: 3,
      bytes: 5,
      kept: 0,
      gone: 0,
      damaged: 0,
    });
    expect(copied.stderr).toBe("3 entries copied (5 bytes)\n");
    expect((await target.command("KEYS", "*")) as string[]).toHaveLength(3);
    await using copy = valkeyStore({ url: to });
    expect(await copy.get("root")).toEqual(Uint8Array.of(0, 255));
    expect(await target.command("GET", "KV/sessions:ada")).toBe("in");
    expect(await target.command("GET", "KV/tenants/a%2Fb:k")).toBe("v");
    expect(await target.command("PTTL", "KV:root")).toBe(-1);
    const left = Number(await target.command("PEXPIRETIME", "KV/sessions:ada"));
    const original = Number(await source.command("PEXPIRETIME", "KV/sessions:ada"));
    expect(Math.abs(left - original)).toBeLessThanOrEqual(tookMs);
  });

  test("copy that is killed on its way is finished by a second run", limit, async () => {
    const entries = 30_000;
    await source.command("DEBUG", "POPULATE", String(entries), "KV:key");
    const { through, reached: isOnItsWay } = await heldOnItsWay();
    const first = start("copy", from, through, "--timeout", "10m");
    const countOf = async (): Promise<number> => Number(await target.command("DBSIZE"));
    await isOnItsWay;
    first.kill("SIGKILL");
    await once(first, "close");
    const reached = await countOf();
    expect(reached).toBeLessThan(entries);

    // What is there already is asked about, for it may be another's.
    expect(await ended(start("copy", from, to))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--yes"),
    });
    const second = await ended(start("copy", from, to, "--if-absent", "--json"));
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout.toString())).toMatchObject({ copied: entries - reached, kept: reached });
    expect(await countOf()).toBe(entries);
  });

  test("copy that fails says how far it came, and ends with the code of the failure", limit, async () => {
    await source.command("DEBUG", "POPULATE", "30000", "KV:key");
    const { through, reached, release } = await heldOnItsWay();
    const failing = start("copy", from, through, "--timeout", "10m");
    await reached;
    await target.command("CONFIG", "SET", "maxmemory", "1");
    release();
    try {
      const { code, stderr } = await ended(failing);
      expect(stderr).toMatch(/Stopped after: \d+ entries copied .*Run it again to continue/);
      expect(stderr).toContain("KV_FULL");
      expect(code).toBe(3);
    } finally {
      await target.command("CONFIG", "SET", "maxmemory", "0");
    }
  });
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [...node, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: Buffer; stderr: string }> {
  if (child.stdout === null || child.stderr === null) throw new Error("The process has no pipes.");
  child.stdin?.end();
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr: stderr.toString() };
}
