import { redisClusterOptions, redisOptions, redisStore } from "@kv/redis";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { expect, test } from "vitest";

test("plain clients and clusters of both versions of ioredis fit the types, with the exported options", async () => {
  const nodes = [{ host: "127.0.0.1", port: 1 }];
  const stores = [
    redisStore({
      client: new Redis("redis://127.0.0.1:1", redisOptions({ timeout: "1s" })),
      closeClient: true,
    }),
    redisStore({
      client: new Redis({ sentinels: nodes, name: "primary", ...redisOptions() }),
      closeClient: true,
    }),
    redisStore({ client: new Cluster(nodes, redisClusterOptions()), closeClient: true }),
    redisStore({ client: new Redis5("redis://127.0.0.1:1", redisOptions()), closeClient: true }),
    redisStore({ client: new Cluster5(nodes, redisClusterOptions({ timeout: "1s" })), closeClient: true }),
  ];
  expect(stores.map((store) => store.namespace)).toEqual(stores.map(() => ["KV"]));
  await Promise.all(stores.map((store) => store.close()));
});
