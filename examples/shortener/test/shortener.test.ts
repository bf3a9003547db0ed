import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type RunningServer, startStandalone } from "@kv/test-servers";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;
let server: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kv-shortener-"));
  server = await startStandalone({ kind: "redis" });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** The service as it is run, with what it printed so far. */
async function start(kvUrl: string) {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    process.execPath,
    ["--conditions=@kv/source", "--import", "tsx", "examples/shortener/src/main.ts"],
    {
      cwd: new URL("../../../", import.meta.url),
      env: { ...process.env, KV_URL: kvUrl, PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let printed = "";
  let complaints = "";
  child.stdout.on("data", (chunk) => (printed += String(chunk)));
  child.stderr.on("data", (chunk) => (complaints += String(chunk)));
  const ended = once(child, "exit");
  const found = async (pattern: RegExp): Promise<string> => {
    await expect.poll(() => printed + complaints, { timeout: 60_000 }).toMatch(pattern);
    return pattern.exec(printed)?.[1] ?? "";
  };
  const base = await found(/(http:\/\/localhost:\d+)/);
  let cookie = "";
  const ask = async (method: string, path: string, body?: string): Promise<Response> => {
    const response = await fetch(base + path, {
      method,
      redirect: "manual",
      headers: { cookie },
      ...(body !== undefined && { body }),
    });
    cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
    return response;
  };
  return {
    found,
    ask,
    async text(method: string, path: string, body?: string): Promise<string> {
      return (await ask(method, path, body)).text();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGTERM");
      expect([(await ended)[0], complaints]).toEqual([0, ""]);
    },
  };
}

const places = [
  { place: "memory", outlasts: false, url: () => "memory:" },
  { place: "files", outlasts: true, url: () => `file:${join(folder, "store")}` },
  { place: "Redis", outlasts: true, url: () => server.url },
];

test.each(places)("the URL shortener works on $place", { timeout: 300_000 }, async ({ outlasts, url }) => {
  let short: string;
  {
    await using service = await start(url());
    const { ask, text } = service;
    expect((await ask("POST", "/links", "https://example.com/")).status).toBe(401);

    expect(await text("POST", "/log-in/ada")).toBe("Look into your mail.");
    const logIn = await service.found(/mail to ada: (\S+)/);
    const greetings = await Promise.all([1, 2, 3].map(() => text("GET", logIn)));
    expect(greetings.filter((greeting) => greeting === "Hello ada.")).toHaveLength(1);

    expect((await ask("POST", "/links", "javascript:alert(1)")).status).toBe(400);
    expect((await ask("POST", "/links", `https://example.com/${"a".repeat(5_000)}`)).status).toBe(413);
    const odd = await text("POST", "/links", "HTTP:example.com\n/x");
    expect((await ask("GET", odd)).headers.get("Location")).toBe("http://example.com/x");
    short = await text("POST", "/links", "https://example.com/a/long/page");
    expect(short).toMatch(/^\/[\w-]{8}$/);
    expect((await ask("GET", "/nowhere_")).status).toBe(404);
    const clicks = await Promise.all(Array.from({ length: 20 }, () => ask("GET", short)));
    for (const { status, headers } of clicks) {
      expect([status, headers.get("Location")]).toEqual([302, "https://example.com/a/long/page"]);
    }
    const own = (await (await ask("GET", "/links")).json()) as object[];
    expect(own).toHaveLength(2);
    expect(own).toContainEqual({ id: short.slice(1), url: "https://example.com/a/long/page", clicks: 20 });

    expect(await text("GET", `${short}/preview`)).toBe("To example.com");
    await expect
      .poll(async () => (await ask("GET", `${short}/preview`)).headers.get("Cache-Status"))
      .toMatch(/hit/);

    const more = await Promise.all(
      Array.from({ length: 30 }, () => ask("POST", "/links", "https://example.com/")),
    );
    // One was refused for want of a log-in, two for their URLs, and two were made: they count too.
    expect(more.filter(({ status }) => status === 201)).toHaveLength(15);
    expect(more.filter(({ status }) => status === 429)).toHaveLength(15);

    expect(await text("POST", "/log-out")).toBe("Goodbye.");
    expect((await ask("GET", "/links")).status).toBe(401);
  }
  await using again = await start(url());
  expect((await again.ask("GET", short)).status).toBe(outlasts ? 302 : 404);
});

test("a service whose store cannot be reached does not start, and says why", async () => {
  const child = spawn(
    process.execPath,
    ["--conditions=@kv/source", "--import", "tsx", "examples/shortener/src/main.ts"],
    {
      cwd: new URL("../../../", import.meta.url),
      env: { ...process.env, KV_URL: "redis://localhost:1", PORT: "0" },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let complaints = "";
  child.stderr.on("data", (chunk) => (complaints += String(chunk)));
  const [code] = await once(child, "exit");
  expect(code).toBe(1);
  expect(complaints).toMatch(/KV_UNAVAILABLE|StoreError: exists on redis at localhost:1/);
});
