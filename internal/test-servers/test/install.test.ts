import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { serverBinaries } from "@kv/test-servers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outputOf, spawnChild } from "./child.ts";

const kinds = ["redis", "valkey"] as const;
const isDebian = existsSync("/etc/debian_version") && existsSync("/usr/bin/apt-get");
let cache = "";

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "kv-install-test-"));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

// The servers on PATH or in the cache would hide a broken install: here it starts from nothing.
if (isDebian) {
  test("install from apt: several processes at once each get servers that run", {
    timeout: 300_000,
  }, async () => {
    const children = ["redis", "redis", "valkey"].map((kind) => spawnChild("installs.ts", [kind, cache]));
    const [first, second, valkey] = await Promise.all(children.map(outputOf));
    const expected = { from: "apt", version: expect.stringMatching(/^\d/) as unknown };
    expect(JSON.parse(first ?? "")).toMatchObject({ kind: "redis", ...expected });
    expect(second).toBe(first);
    expect(JSON.parse(valkey ?? "")).toMatchObject({ kind: "valkey", ...expected });
    expect(await readdir(cache)).toHaveLength(2);
  });
} else {
  test("install from apt: elsewhere than on Debian it fails and leaves nothing", async () => {
    expect(await outputOf(spawnChild("installs.ts", ["redis", cache]))).toBe("");
    expect(await readdir(cache)).toEqual([]);
  });
}

describe.concurrent.each(kinds)("%s", { timeout: 300_000 }, (kind) => {
  const variable = `KV_TEST_${kind.toUpperCase()}_BIN`;

  test("a folder in the environment comes first", async () => {
    const { server, env } = await serverBinaries(kind);
    const child = spawnChild("finds-binaries.ts", [kind], { ...env, [variable]: dirname(server) });
    expect(JSON.parse(await outputOf(child))).toMatchObject({ kind, server, from: "environment" });
  });

  test("PATH comes before the cache", async () => {
    const { server, env } = await serverBinaries(kind);
    const child = spawnChild("finds-binaries.ts", [kind], { ...env, PATH: dirname(server) });
    expect(JSON.parse(await outputOf(child))).toMatchObject({ kind, server, from: "path" });
  });

  test("where none can be had it says what to install", async () => {
    const env = { PATH: "/nowhere", XDG_CACHE_HOME: join(cache, "empty") };
    const sentence = await outputOf(spawnChild("finds-binaries.ts", [kind], env));
    expect(sentence).toContain(`apt-get install ${kind}-server`);
    expect(sentence).toContain(`brew install ${kind}`);
    expect(sentence).toContain(variable);
  });
});
