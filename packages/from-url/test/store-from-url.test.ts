import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { fileStore } from "@kv/file";
import { type StoreFromUrlOptions, storeFromUrl } from "@kv/from-url";
import { memoryStore } from "@kv/memory";
import { redisStore } from "@kv/redis";
import { type RunningServer, startStandalone } from "@kv/test-servers";
import { valkeyStore } from "@kv/valkey";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

describe("memory:", () => {
  test("is a store of its own each time", async () => {
    await using one = await storeFromUrl("memory:");
    await using other = await storeFromUrl(new URL("memory:"));
    await one.set("k", "v");
    expect(text(await one.get("k"))).toBe("v");
    expect(await other.exists("k")).toBe(false);
  });

  test("takes its limits from the query", async () => {
    await using store = await storeFromUrl("memory:?maxEntries=2&maxBytes=1000");
    for (const key of ["a", "b", "c"]) await store.set(key, "v");
    expect(await store.exists("a")).toBe(false);
    await expect(store.set("d", "v".repeat(1_001))).rejects.toMatchObject({ code: "KV_FULL" });
  });
});

describe("file:", () => {
  test.each([
    ["a path as it is written", (folder: string) => `file:${folder}`],
    ["a path from where the process works", (folder: string) => `file:${relative(process.cwd(), folder)}`],
    ["a URL, percent-encoded", (folder: string) => pathToFileURL(folder).href],
    ["a URL object", (folder: string) => pathToFileURL(folder)],
    ["options in the query", (folder: string) => `file:${folder}?durability=none&disk=network`],
    ["a URL with options in the query", (folder: string) => `${pathToFileURL(folder).href}?durability=none`],
  ])("%s names the directory", async (_, urlOf) => {
    const folder = join(await newFolder(), "100% of a store");
    await using store = await storeFromUrl(urlOf(folder));
    expect(existsSync(folder)).toBe(false);
    await store.set("k", "v");
    await using again = fileStore({ directory: folder });
    expect(text(await again.get("k"))).toBe("v");
  });

  test("a percent-encoded # and ? are part of the name", async () => {
    const folder = join(await newFolder(), "a?b#c");
    await using store = await storeFromUrl(pathToFileURL(folder));
    await store.set("k", "v");
    expect(await readdir(join(folder, ".."))).toEqual(["a?b#c"]);
  });

  test("what has expired goes in the background with sweepEvery", async () => {
    const folder = await newFolder();
    await using store = await storeFromUrl(`file:${folder}`, { sweepEvery: "20ms" });
    await store.set("k", "v", { expiresIn: "10ms" });
    await vi.waitFor(
      async () => expect((await readdir(folder, { recursive: true })).filter(isEntry)).toEqual([]),
      { timeout: 60_000 },
    );
  });
});

describe.each([
  { kind: "redis", schemes: ["redis:", "REDIS:"], ours: redisStore },
  { kind: "valkey", schemes: ["valkey:"], ours: valkeyStore },
] as const)("$kind:", ({ kind, schemes, ours }) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startStandalone({ kind, password: "s3cret" });
  });
  afterAll(() => server.stop());

  test.each(schemes)("%s opens the store that its factory does", async (scheme) => {
    const url = server.url.replace(/^\w+:/, scheme);
    await using store = await storeFromUrl(url);
    await store.set("k", scheme);
    await using same = ours({ url: server.url });
    expect(text(await same.get("k"))).toBe(scheme);
    await using elsewhere = await storeFromUrl(`${url.replace(/\/\d*$/, "")}/1`);
    expect(await elsewhere.exists("k")).toBe(false);
  });

  test("namespace is where it begins, in the place of KV, and timeout reaches it", async () => {
    await using store = await storeFromUrl(server.url, {
      namespace: "shop",
      timeout: "300ms",
      sweepEvery: "1m",
    });
    await vi.waitFor(() => store.set("k", "v"), 60_000);
    expect(await server.command("GET", "shop:k")).toBe("v");
    await server.pause();
    try {
      await expect(store.get("k")).rejects.toMatchObject({ code: "KV_UNAVAILABLE" });
    } finally {
      server.resume();
    }
  });

  test("over TLS, with an authority of one's own by a factory of one's own", async () => {
    await using secure = await startStandalone({ kind, tls: true });
    const url = `${kind}s://127.0.0.1:${secure.port}`;
    const { ca = "" } = secure;
    await using store = await storeFromUrl(url, {
      backends: { [kind]: (settings: { url: string }) => ours({ ...settings, tls: { ca } }) },
    });
    await store.set("k", "v");
    expect(text(await store.get("k"))).toBe("v");
    await using untrusting = await storeFromUrl(url);
    await expect(untrusting.get("k")).rejects.toMatchObject({ code: "KV_UNAVAILABLE" });
  });
});

describe("the store", () => {
  test.each(["memory:", "file:"])("of %s begins at namespace, and closing it closes all", async (scheme) => {
    const roots: ReturnType<typeof memoryStore>[] = [];
    const kept = <S>(open: (settings: S) => ReturnType<typeof memoryStore>) => {
      return (settings: S) => {
        const root = open(settings);
        roots.push(root);
        return root;
      };
    };
    const store = await storeFromUrl(scheme === "file:" ? `file:${await newFolder()}/data` : scheme, {
      namespace: "shop",
      backends: { memory: kept(memoryStore), file: kept(fileStore) },
    });
    expect(store.namespace).toEqual(["shop"]);
    await store.set("k", "v");
    await store.withNamespace("carts").set("k", "v");
    expect(text(await roots[0]?.withNamespace("shop").get("k"))).toBe("v");
    expect(await roots[0]?.exists("k")).toBe(false);
    const below = store.withNamespace("carts");
    await store.close();
    for (const closed of [store, below, roots[0]]) {
      await expect(closed?.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
    }
  });

  test("L4 is not touched before its first call", async () => {
    const folder = join(await newFolder(), "data");
    for (const url of [`file:${folder}`, "redis://127.0.0.1:1", "valkeys://127.0.0.1:1"]) {
      await (await storeFromUrl(url, { namespace: "a" })).close();
    }
    expect(existsSync(folder)).toBe(false);
  });

  test("backends are all there is to choose from, and are called with the settings of the URL", async () => {
    const file = vi.fn(fileStore);
    const redis = vi.fn(redisStore);
    const options: StoreFromUrlOptions = { timeout: "1s", sweepEvery: "1m", backends: { file, redis } };
    await (await storeFromUrl("file:./data?disk=network", options)).close();
    await (await storeFromUrl("redis://:p@127.0.0.1:1/2", { ...options, namespace: "a" })).close();
    expect(file.mock.calls).toEqual([
      [{ directory: "./data", disk: "network", timeout: "1s", sweepEvery: "1m" }],
    ]);
    expect(redis.mock.calls).toEqual([[{ url: "redis://:p@127.0.0.1:1/2", namespace: "a", timeout: "1s" }]]);
    await expect(storeFromUrl("valkey://127.0.0.1:1", options)).rejects.toThrow(
      "needs the backend valkey, which is missing from the option backends: pass { valkey: valkeyStore } of @kv/valkey",
    );
  });
});

function isEntry(path: string): boolean {
  return /[0-9a-f]{64}$/.test(path);
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kv-from-url-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
