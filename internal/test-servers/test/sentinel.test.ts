import { startSentinel } from "@kv/test-servers";
import { describe, expect, test } from "vitest";

const kinds = ["redis", "valkey"] as const;
/** So that no server that is only slow, on a machine that is busy, is taken for dead. */
const downAfterMs = 5_000;

describe.concurrent.each(kinds)("%s", { timeout: 300_000 }, (kind) => {
  test("the sentinels name another primary when theirs is killed, and take it back as a replica", async () => {
    const secured = { password: "pw", sentinelPassword: "watch", tls: true };
    await using group = await startSentinel({ kind, downAfterMs, ...secured });
    expect(group.servers).toHaveLength(3);
    expect(group.sentinels).toHaveLength(3);
    const lost = await group.primary();
    expect(lost).toBe(group.servers[0]);

    await lost.kill();
    const heir = await group.untilFailedOver(lost);
    expect(heir).not.toBe(lost);
    expect(await heir.command("SET", "a", "1")).toBe("OK");

    await lost.restart();
    await group.untilReady();
    expect(await lost.info("replication")).toMatchObject({ role: "slave", master_port: String(heir.port) });
  });

  test("a primary that is stopped together with a sentinel is replaced", async () => {
    await using group = await startSentinel({ kind, downAfterMs, replicas: 1 });
    const [primary, heir] = group.servers;
    const [sentinel] = group.sentinels;
    await primary?.pause();
    await sentinel?.pause();
    expect(sentinel?.paused).toBe(true);
    if (primary !== undefined) expect(await group.untilFailedOver(primary)).toBe(heir);
    sentinel?.resume();
    expect(sentinel?.paused).toBe(false);
    await sentinel?.pause();
    await sentinel?.restart();
    expect(sentinel?.paused).toBe(false);
  });

  test("a sentinel that is restarted knows what it knew", async () => {
    await using group = await startSentinel({ kind, downAfterMs: 600_000, replicas: 1 });
    const [sentinel] = group.sentinels;
    await sentinel?.restart();
    await group.untilReady();
    expect(await group.primary()).toBe(group.servers[0]);
  });
});
