import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startStandalone } from "@kv/test-servers";
import { expect, test } from "vitest";

const run = promisify(execFile);
const limit = { timeout: 300_000 };

/** The tour as the README's command runs it. */
async function tour(url?: string): Promise<string> {
  const { KV_URL: _, ...env } = process.env;
  const { stdout, stderr } = await run(
    process.execPath,
    ["--conditions=@kv/source", "--import", "tsx", "examples/tour/src/main.ts"],
    { cwd: new URL("../../../", import.meta.url), env: url === undefined ? env : { ...env, KV_URL: url } },
  );
  expect(stderr).toBe("");
  return stdout;
}

function expectAllChapters(stdout: string): void {
  expect(stdout).not.toMatch(/DIFFERENT|STILL THERE|TIMES/);
  for (const line of [
    /LICENSE .* the same, byte for byte/,
    /@kv\/core .*store interface/,
    /a moment later {7}59\.\d{3} s left/,
    /50 ms, after 60 {6}gone/,
    /a\/drafts {3}nothing/,
    /ab {9}"tenant ab"/,
    /five hits together {3}1, 2, 3, 4, 5/,
    /computed once/,
    /TypeError: expiresIn must be a number and a unit/,
    /KV_STORE_EXISTS/,
  ]) {
    expect(stdout).toMatch(line);
  }
}

test("the tour in memory keeps what it is given", limit, async () => {
  const stdout = await tour("memory:");
  expect(stdout).toMatch(/^Everything is kept in memory\.\n/);
  expectAllChapters(stdout);
  expect(stdout).toMatch(/the first run on this store/);
});

test(
  "the tour on files, in the folder of the repository unless told, finds what an earlier run kept",
  limit,
  async () => {
    expect(await tour()).toMatch(
      /^Everything is kept in files in \.tour\.\n[^]*(?:the first run|run number)/,
    );

    const folder = await mkdtemp(join(tmpdir(), "kv-tour-"));
    try {
      for (const last of [/the first run on this store/, /run number 2 on this store/]) {
        const stdout = await tour(`file:${join(folder, "store")}`);
        expectAllChapters(stdout);
        expect(stdout).toMatch(last);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test.each([
  { kind: "redis", scheme: "redis://", says: /^Everything is kept in redis at 127/ },
  { kind: "valkey", scheme: "valkey://", says: /^Everything is kept in valkey at 127/ },
] as const)("the tour on $kind, by KV_URL, finds what an earlier run kept", limit, async (on) => {
  await using server = await startStandalone({ kind: on.kind, password: "tour-secret" });
  await server.command("SET", "KV/sessions:ada", "an application's own");
  const url = server.url.replace(/^\w+:\/\//, on.scheme);
  for (const last of [/the first run on this store/, /run number 2 on this store/]) {
    const stdout = await tour(url);
    expect(stdout).toMatch(on.says);
    expect(stdout).not.toContain("tour-secret");
    expectAllChapters(stdout);
    expect(stdout).toMatch(last);
  }
  expect(await server.command("GET", "KV/sessions:ada")).toBe("an application's own");
});

test.each([
  ["mysql://localhost", /^KV_URL: There is no backend for "mysql:".* begins with one of memory:.*\n$/],
  ["nonsense", /^KV_URL: This is not the URL of a store.* begins with one of memory:.*\n$/],
  ["redis://localhost:99999", /^KV_URL: url must be like "redis:.*\n$/],
  ["memory:?maxEntries=0", /^KV_URL: maxEntries must be at least 1.*\n$/],
])("a KV_URL that is none, %s, says what it must be", limit, async (url, says) => {
  await expect(tour(url)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(says) });
});

test("a server that is away is told of in a line", limit, async () => {
  await expect(tour("redis://127.0.0.1:1")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^set on redis at 127\.0\.0\.1:1.*no connection to the server.*\n$/),
  });
});
