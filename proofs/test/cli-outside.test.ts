import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startStandalone } from "@kv/test-servers";
import { describe, expect, test } from "vitest";
import { consumer, run } from "./consumer.ts";

const limit = { timeout: 300_000 };

interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function kv(folder: string, ...args: string[]): Promise<CommandResult> {
  const command = join(folder, "node_modules/.bin/kv");
  try {
    return { code: 0, ...(await run(command, args, { cwd: folder })) };
  } catch (error) {
    const { code, stdout, stderr } = error as CommandResult;
    return { code, stdout, stderr };
  }
}

describe("the kv command, installed from tarballs", () => {
  test("needs core alone to tell of itself, and says what to install for a store", limit, async () => {
    const folder = await consumer("@kv/cli");
    expect(await kv(folder, "--help")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Usage: kv COMMAND"),
    });
    await mkdir(join(folder, "data"));
    for (const [store, name] of [
      ["file:./data", "@kv/file"],
      ["redis://:secret@127.0.0.1:1", "@kv/redis"],
      ["valkeys://127.0.0.1:1", "@kv/valkey"],
    ] as const) {
      const { code, stdout, stderr } = await kv(folder, "keys", store);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(`needs ${name}, which is not installed`);
      expect(stderr).toContain(`npm install ${name}`);
      expect(stderr).not.toContain("secret");
    }
  });

  test("works on what is installed beside it", limit, async () => {
    await using server = await startStandalone({ kind: "redis" });
    const folder = await consumer("@kv/cli", "@kv/redis");
    const store = `redis://127.0.0.1:${server.port}`;
    expect(await kv(folder, "set", store, "k", "v")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await kv(folder, "get", store, "k")).toEqual({ code: 0, stdout: "v", stderr: "" });
    expect(await kv(folder, "keys", store.replace("redis", "valkey"))).toMatchObject({ code: 2 });
  });
});
