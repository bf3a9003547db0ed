import { openElsewhere, type StorePlace } from "@kv/test-backends";
import { Hono } from "hono";
import { rateLimit } from "../src/index.ts";
import { served } from "./serve.ts";

// One of the processes of a service that has a limit: says where it listens once it does.
const { place, namespace, limit } = JSON.parse(process.argv[2] ?? "") as {
  place: StorePlace;
  namespace: string;
  limit: number;
};
const store = openElsewhere(place, { timeout: "1m" }).withNamespace(namespace);
const app = new Hono()
  .use(rateLimit(store, { limit, window: "1h", key: () => "everybody", onOutage: "refuse" }))
  .get("/", (c) => c.text("passed"));
const { url } = await served(app);
process.send?.({ url });
