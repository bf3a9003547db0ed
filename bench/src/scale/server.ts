import { createKeyv } from "@keyv/redis";
import { redisStore } from "@kv/redis";
import { Redis } from "ioredis";
import { type Contender, compare, type Ratio, ratioOf } from "../measure.ts";
import { pinClient, pinServer } from "../pinning.ts";
import { type Server, testServers } from "../test-servers.ts";

const others = 1_000_000;
const own = 100_000;

/** What a job on a server costs it and those who use it too. */
export interface ServerJob {
  readonly tookMs: number;
  /** The longest that the server was busy with one command of it. */
  readonly longestCommandMs: number;
  /** The longest that another client, in this process, waited for a PING meanwhile. */
  readonly longestWaitMs: number;
}

export interface ServerScale {
  readonly version: string;
  readonly jobs: Readonly<Record<string, ServerJob>>;
  /** How fast `deleteAll` is beside a bare SCAN 1000 with UNLINK. */
  readonly deleteAll: Readonly<Record<string, Ratio>>;
  /** What one of our entries of 100 B takes on the server. */
  readonly bytesPerEntry: number;
}

/** Jobs on 100 thousand entries among a million others, on one server. */
export async function measureServer(rounds: number): Promise<ServerScale> {
  const { startStandalone, serverBinaries } = await testServers();
  await using server = await startStandalone({ kind: "redis" });
  await pinServer(server);
  pinClient(process.pid);
  const client = new Redis(server.url);
  const store = redisStore({ url: server.url, namespace: "ours" });
  const keyv = createKeyv(server.url, { namespace: "keyv" });
  await populate(server, others, "others");

  const jobs: Record<string, () => Promise<unknown>> = {
    nothing: () => new Promise((resolve) => setTimeout(resolve, 500)),
    deleteAll: () => store.deleteAll(),
    "SCAN 1000, UNLINK by hand": () => unlinkAll(client, "bare:*"),
    "keyv: clear": () => keyv.clear(),
    keys: async () => {
      for await (const key of store.keys()) void key;
    },
    "setMany of 100 thousand": () => store.setMany(entries),
    "getMany of 100 thousand": () => store.getMany(entries.map(([key]) => key)),
    "deleteMany of 100 thousand": () => store.deleteMany(entries.map(([key]) => key)),
  };
  const found: Record<string, ServerJob> = {};
  for (const [name, job] of Object.entries(jobs)) {
    const tries: ServerJob[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const prefix of ["ours", "bare", "keyv:"]) await populate(server, own, prefix);
      tries.push(await watched(server, job));
    }
    found[name] = {
      tookMs: middle(tries.map(({ tookMs }) => tookMs)),
      // What else runs on the machine only makes it longer.
      longestCommandMs: Math.min(...tries.map(({ longestCommandMs }) => longestCommandMs)),
      longestWaitMs: Math.min(...tries.map(({ longestWaitMs }) => longestWaitMs)),
    };
    process.stderr.write(`${name}: ${JSON.stringify(found[name])}\n`);
  }

  const deleteAll = await compare(
    [
      emptying(server, "by hand", "bare", () => unlinkAll(client, "bare:*")),
      emptying(server, "@kv/redis", "ours", () => store.deleteAll()),
      emptying(server, "keyv", "keyv:", () => keyv.clear()),
    ],
    rounds,
  );
  await store.set("one", "x".repeat(100));
  const bytesPerEntry = Number(await client.memory("USAGE", "ours:one"));
  await Promise.all([store.close(), keyv.disconnect(), client.quit()]);
  const { version } = await serverBinaries("redis");
  return { version, jobs: found, deleteAll, bytesPerEntry };
}

const entries = Array.from({ length: own }, (_, at) => [`${at}`, "x".repeat(100)] as const);

/** Keys like `prefix:42`, of 100 B each, made by the server itself. */
async function populate(server: Server, count: number, prefix: string): Promise<void> {
  await server.command("DEBUG", "POPULATE", String(count), prefix, "100");
}

function emptying(server: Server, name: string, prefix: string, empty: () => Promise<unknown>): Contender {
  return {
    name,
    async rate() {
      await populate(server, own, prefix);
      const beganMs = performance.now();
      await empty();
      return 1_000 / (performance.now() - beganMs);
    },
  };
}

async function watched(server: Server, job: () => Promise<unknown>): Promise<ServerJob> {
  const probe = new Redis(server.url);
  await probe.ping();
  await probe.config("SET", "slowlog-log-slower-than", "100", "slowlog-max-len", "1000");
  await probe.slowlog("RESET");
  const state = { hasEnded: false };
  let longestWaitMs = 0;
  const probing = (async () => {
    while (!state.hasEnded) {
      const askedMs = performance.now();
      await probe.ping();
      longestWaitMs = Math.max(longestWaitMs, performance.now() - askedMs);
    }
  })();
  const beganMs = performance.now();
  await job();
  const tookMs = performance.now() - beganMs;
  state.hasEnded = true;
  await probing;
  const slow = (await probe.slowlog("GET", 1_000)) as [id: number, at: number, tookUs: number][];
  await probe.quit();
  const longestUs = Math.max(0, ...slow.map(([, , tookUs]) => tookUs));
  return { tookMs, longestCommandMs: longestUs / 1_000, longestWaitMs };
}

async function unlinkAll(client: Redis, pattern: string): Promise<void> {
  let cursor = "0";
  do {
    const [next, keys] = await client.scanBuffer(cursor, "MATCH", pattern, "COUNT", 1_000);
    if (keys.length > 0) await client.unlink(keys);
    cursor = next.toString();
  } while (cursor !== "0");
}

function middle(numbers: readonly number[]): number {
  return ratioOf(numbers).median;
}
