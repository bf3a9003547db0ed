import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { serverBinaries, until } from "@kv/test-servers";
import { describe, expect, test } from "vitest";
import { type Child, firstLineOf, spawnChild } from "./child.ts";
import { isRunning } from "./is-running.ts";

const kinds = ["redis", "valkey"] as const;

interface Left {
  child: Child;
  pid: number;
  folder: string;
  guardian: number;
}

describe.concurrent("a run that ends", { timeout: 300_000 }, () => {
  const signals = ["SIGKILL", "SIGINT"] as const;
  test.each(kinds.flatMap((kind) => signals.map((signal) => [signal, kind] as const)))(
    "by %s leaves no %s server and no folder",
    async (signal, kind) => {
      const left = await leaveServer(kind, "wait");
      expect(isRunning(left.pid)).toBe(true);
      left.child.kill(signal);
      await expectNothingLeft(left);
    },
  );

  test.each(kinds)("by an error leaves no %s server and no folder", async (kind) => {
    await expectNothingLeft(await leaveServer(kind, "throw"));
  });

  test.each(["exit", "run out"])("on its own (%s) leaves no server and no folder", async (ending) => {
    await expectNothingLeft(await leaveServer("redis", ending));
  });

  test("by SIGKILL of its runner ends too, though it is a process of its own", async () => {
    const runner = spawnChild("runs-a-worker.ts", ["redis"]);
    const left = await leftBy(runner);
    runner.kill("SIGKILL");
    await expectNothingLeft(left);
  });

  test("by SIGKILL takes a paused server along", async () => {
    const left = await leaveServer("redis", "pause, then wait");
    left.child.kill("SIGKILL");
    await expectNothingLeft(left);
  });

  test("by SIGKILL leaves nothing where there is no setpriv: the guardian does it alone", async () => {
    const { server, env } = await serverBinaries("redis");
    const left = await leaveServer("redis", "wait", {
      ...env,
      KV_TEST_REDIS_BIN: dirname(server),
      PATH: "/nowhere",
    });
    left.child.kill("SIGKILL");
    await expectNothingLeft(left);
  });

  // Only Linux kills a child along with its parent; elsewhere the guardian is all there is.
  if (existsSync("/usr/bin/setpriv")) {
    test("together with its guardian leaves no server, and the next run sweeps its folder", async () => {
      const tmp = await mkdtemp(join(tmpdir(), "kv-cleanup-test-"));
      const left = await leaveServer("redis", "wait", { TMPDIR: tmp });
      process.kill(left.guardian, "SIGKILL");
      await untilGone(left.guardian);
      const ended = once(left.child, "exit");
      left.child.kill("SIGKILL");
      await ended;
      await untilGone(left.pid);
      expect(existsSync(left.folder)).toBe(true);
      await expectNothingLeft(await leaveServer("redis", "run out", { TMPDIR: tmp }));
      expect(existsSync(dirname(left.folder))).toBe(false);
      await rm(tmp, { recursive: true });
    });
  }
});

function leaveServer(kind: string, ending: string, env: Record<string, string> = {}): Promise<Left> {
  return leftBy(spawnChild("leaves-a-server.ts", [kind, ending], env));
}

async function leftBy(child: Child): Promise<Left> {
  const [pid, guardian, folder = ""] = (await firstLineOf(child)).split(" ");
  return { child, pid: Number(pid), guardian: Number(guardian), folder };
}

async function expectNothingLeft({ pid, folder, guardian }: Left): Promise<void> {
  await untilGone(pid);
  await untilGone(guardian);
  expect(existsSync(dirname(folder))).toBe(false);
}

async function untilGone(pid: number): Promise<void> {
  await until(`process ${pid} is gone`, 60_000, () => (isRunning(pid) ? undefined : true));
}
