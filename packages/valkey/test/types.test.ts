import { valkeyClusterOptions, valkeyOptions, valkeyStore } from "@kv/valkey";
import { Cluster, Redis } from "iovalkey";
import { expect, test } from "vitest";

test("plain clients and clusters of iovalkey fit the types, with the exported options", async () => {
  const nodes = [{ host: "127.0.0.1", port: 1 }];
  const stores = [
    valkeyStore({
      client: new Redis("valkey://127.0.0.1:1", valkeyOptions({ timeout: "1s" })),
      closeClient: true,
    }),
    valkeyStore({
      client: new Redis({ sentinels: nodes, name: "primary", ...valkeyOptions() }),
      closeClient: true,
    }),
    valkeyStore({ client: new Cluster(nodes, valkeyClusterOptions()), closeClient: true }),
  ];
  expect(stores.map((store) => store.namespace)).toEqual(stores.map(() => ["KV"]));
  await Promise.all(stores.map((store) => store.close()));
});
