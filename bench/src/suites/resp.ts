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
import { type Goal, outcomeOf } from "../goals.ts";
import { cases } from "../operations.ts";
import { pinServer } from "../pinning.ts";
import { serverBenchmark } from "../server-benchmark.ts";
import { type Subjects, serveSubject } from "../subject-process.ts";
import { bareClient } from "../subjects/bare-client.ts";
import { oursOfText, ours as oursOver } from "../subjects/ours.ts";
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

const keyvs = ["keyv, @keyv/redis", "keyv, @keyv/valkey"];

function goalsBeside(base: string): Goal[] {
  const small = { size: "100 B", concurrency: 256 } as const;
  const medium = { size: "10 KiB", concurrency: 256 } as const;
  return [
    { operation: "get hit", ...small, others: [base], least: 3 },
    { operation: "get hit", ...small, others: keyvs, least: 2 },
    { operation: "get hit", size: "100 B", concurrency: 1, others: [base], least: 1 },
    { operation: "set", ...small, others: [base], least: 2 },
    { operation: "set", ...small, others: Object.keys(peers), least: 1 },
    { operation: "renew", ...small, others: [base], least: 1.5 },
    { operation: "increment", ...small, others: [base], least: 1.5 },
    { operation: "get hit", ...medium, others: keyvs, least: 1.8 },
    { operation: "set", ...medium, others: keyvs, least: 4 },
    { operation: "get hit", size: "1 MiB", concurrency: 1, others: [base], least: 0.9 },
    { operation: "set", size: "1 MiB", concurrency: 1, others: [base], least: 0.9 },
  ];
}

const pipelined = { enableAutoPipelining: true };

const subjects: Readonly<Record<ServerKind, Subjects>> = {
  redis: {
    ioredis: (url) => bareClient(new Redis(url), "bare:"),
    "@kv/redis": (url) => oursOfText(redisStore({ url })),
    "@kv/redis, bytes": (url) => oursOver(redisStore({ url })),
    "ioredis, auto-pipelining": (url) => bareClient(new Redis(url, pipelined), "pipelined:"),
    ...peers,
  },
  valkey: {
    iovalkey: (url) => bareClient(new Valkey(url) as never, "bare:"),
    "@kv/valkey": (url) => oursOfText(valkeyStore({ url })),
    "@kv/valkey, bytes": (url) => oursOver(valkeyStore({ url })),
    "iovalkey, auto-pipelining": (url) => bareClient(new Valkey(url, pipelined) as never, "pipelined:"),
    ...peers,
  },
};

/** As measured with a profiler. */
const limits: readonly string[] = [
  "At 256 in flight a get waits for the server 27 to 53 % of the time. The copy that the caller owns, in a buffer of its own, takes 3 to 15 %; parsing and the client's commands and promises share the rest, and no other part of ours takes more than 6 %. Over a client that answers in flight a get costs 0.63 microseconds of the processor's time, half of it for that copy.",
  "At 1 in flight 81 % of the time is the round trip. Of the processor's time of a call we add about a tenth to the client's, for order, deadlines and explained errors; without the wait for the end of the tick, the deadline and what lets an idle process end it would be 1 to 4 % less.",
  "A long value is written as it is, without the client's joining each command in a new buffer: of a set of 10 KiB, 45 % of the time is writing, and 4 % garbage collection. Text is written faster than bytes, which have to be copied first. Of a get of 10 KiB 7 to 18 % is garbage collection, for each value comes in a buffer of its own.",
];

serveSubject({ ...subjects.redis, ...subjects.valkey });

export async function resp(kind: ServerKind, pace: Pace): Promise<Comparison> {
  const { startStandalone, serverBinaries } = await testServers();
  await using server = await startStandalone({ kind });
  await pinServer(server);
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
  const [base = "", ours = ""] = names;
  return {
    title: kind === "redis" ? "Redis" : "Valkey",
    base,
    ours,
    notes: [
      `Server: ${kind} ${binaries.version}, on the same machine. \`${base}\` is the client by itself, a command for each call; renewals and increments a script (EVALSHA) for each.`,
      `\`${base}, auto-pipelining\` is the same with the client's own gathering. \`${kind}-benchmark -P\` comes with the server and is written in C.`,
      "Ours and the peers are given text, as JSON is; `bytes` is ours given a Uint8Array. Ours answers with bytes in an array of the caller's own, the client by itself with a view of what came in.",
      `The server is held to one CPU and the clients to another where there is \`taskset\`: otherwise it is luck whether a call has to wake up another CPU, and that is three times as slow as a call itself.`,
      "keyv over @keyv/valkey is told not to keep a set of all its keys, which would make it slower.",
    ],
    lines,
    pictured: [
      ["get hit", "100 B", 256],
      ["set", "100 B", 256],
    ],
    limits,
    outcomes: goalsBeside(base).map((goal) => outcomeOf(goal, ours, lines)),
  };
}
