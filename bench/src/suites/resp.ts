import { createKeyv as createRedisKeyv } from "@keyv/redis";
import KeyvValkey from "@keyv/valkey";
import { redisStore } from "@kv/redis";
import { valkeyStore } from "@kv/valkey";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import { Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import { Keyv } from "keyv";
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import { type Comparison, compareSubjects, type Pace } from "../comparison.ts";
import { cases } from "../operations.ts";
import { serverBenchmark } from "../server-benchmark.ts";
import { type Subjects, serveSubject } from "../subject-process.ts";
import { bareClient } from "../subjects/bare-client.ts";
import { ours } from "../subjects/ours.ts";
import { cacheable, cacheManager, keyv, unstorageOverRedis } from "../subjects/peers.ts";
import { type ServerKind, testServers } from "../test-servers.ts";

const measured = [
  ...cases(
    ["get hit", "get miss", "set", "set with TTL", "renew", "touch", "increment"],
    ["100 B"],
    [1, 32, 256],
  ),
  ...cases(["getMany 100", "setMany 100", "deleteAll 1000"], ["100 B"], [1]),
  ...cases(["get hit", "set"], ["10 KiB"], [1, 32, 256]),
  ...cases(["get hit", "set"], ["1 MiB"], [1, 32]),
];

const peers: Subjects = {
  "keyv, @keyv/redis": (url) => keyv(createRedisKeyv(url, { namespace: "keyv-redis" })),
  "keyv, @keyv/valkey": (url) =>
    keyv(new Keyv(new KeyvValkey(url, { useRedisSets: false }), { namespace: "keyv-valkey" })),
  unstorage: (url) => unstorageOverRedis(createStorage({ driver: redisDriver({ url, base: "unstorage" }) })),
  "cache-manager": (url) =>
    cacheManager(createCache({ stores: [createRedisKeyv(url, { namespace: "manager" })] })),
  cacheable: (url) => cacheable(new Cacheable({ primary: createRedisKeyv(url, { namespace: "cacheable" }) })),
};

const pipelined = { enableAutoPipelining: true };

const subjects: Readonly<Record<ServerKind, Subjects>> = {
  redis: {
    ioredis: (url) => bareClient(new Redis(url), "bare:"),
    "@kv/redis": (url) => ours(redisStore({ url })),
    "ioredis, auto-pipelining": (url) => bareClient(new Redis(url, pipelined), "pipelined:"),
    ...peers,
  },
  valkey: {
    iovalkey: (url) => bareClient(new Valkey(url) as never, "bare:"),
    "@kv/valkey": (url) => ours(valkeyStore({ url })),
    "iovalkey, auto-pipelining": (url) => bareClient(new Valkey(url, pipelined) as never, "pipelined:"),
    ...peers,
  },
};

serveSubject({ ...subjects.redis, ...subjects.valkey });

export async function resp(kind: ServerKind, pace: Pace): Promise<Comparison> {
  const { startStandalone, serverBinaries } = await testServers();
  await using server = await startStandalone({ kind });
  const binaries = await serverBinaries(kind);
  const names = Object.keys(subjects[kind]);
  const lines = await compareSubjects(
    {
      module: new URL(import.meta.url),
      names,
      target: server.url,
      cases: measured,
      limit: serverBenchmark(kind, binaries, server.port),
    },
    pace,
  );
  const [base = ""] = names;
  return {
    title: kind === "redis" ? "Redis" : "Valkey",
    base,
    ours: `@kv/${kind}`,
    notes: [
      `Server: ${kind} ${binaries.version}, on the same machine. \`${base}\` is the client by itself, a command for each call; renewals and increments a script (EVALSHA) for each.`,
      `\`${base}, auto-pipelining\` is the same with the client's own gathering. \`${kind}-benchmark -P\` comes with the server and is written in C.`,
      "keyv over @keyv/valkey is told not to keep a set of all its keys, which would make it slower.",
    ],
    lines,
  };
}
