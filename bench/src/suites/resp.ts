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
import type { Subject } from "../subject.ts";
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

export async function resp(kind: ServerKind, pace: Pace): Promise<Comparison> {
  const { startStandalone, serverBinaries } = await testServers();
  await using server = await startStandalone({ kind });
  const binaries = await serverBinaries(kind);
  const subjects = await subjectsAt(kind, server.url);
  const lines = await compareSubjects(subjects, measured, pace, serverBenchmark(kind, binaries, server.port));
  for (const { close } of subjects) await close?.();
  const base = clientOf[kind];
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

const clientOf = { redis: "ioredis", valkey: "iovalkey" } as const;

async function subjectsAt(kind: ServerKind, url: string): Promise<Subject[]> {
  const Client = (kind === "redis" ? Redis : Valkey) as typeof Redis;
  const name = clientOf[kind];
  const store = kind === "redis" ? redisStore({ url }) : valkeyStore({ url });
  return [
    await bareClient(name, new Client(url), "bare:"),
    ours(`@kv/${kind}`, store),
    await bareClient(
      `${name}, auto-pipelining`,
      new Client(url, { enableAutoPipelining: true }),
      "pipelined:",
    ),
    keyv("keyv, @keyv/redis", createRedisKeyv(url, { namespace: "keyv-redis" })),
    keyv(
      "keyv, @keyv/valkey",
      new Keyv(new KeyvValkey(url, { useRedisSets: false }), { namespace: "keyv-valkey" }),
    ),
    unstorageOverRedis("unstorage", createStorage({ driver: redisDriver({ url, base: "unstorage" }) })),
    cacheManager("cache-manager", createCache({ stores: [createRedisKeyv(url, { namespace: "manager" })] })),
    cacheable("cacheable", new Cacheable({ primary: createRedisKeyv(url, { namespace: "cacheable" }) })),
  ];
}
