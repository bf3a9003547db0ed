import { openElsewhere, type StorePlace } from "@kv/test-backends";
import { Hono } from "hono";
import { responseCache } from "../src/index.ts";
import { served } from "./serve.ts";

// One of the processes of a service that caches: counts in the store how often its page is computed.
const { place, namespace } = JSON.parse(process.argv[2] ?? "") as { place: StorePlace; namespace: string };
const store = openElsewhere(place, { timeout: "1m" }).withNamespace(namespace);
const app = new Hono().use(responseCache(store.withNamespace("cache"))).get("/", async (c) => {
  // Slow enough that all who ask at once ask before it is there.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { value } = await store.increment("computed");
  return c.text(`computed ${value}`, 200, { "Cache-Control": "max-age=600" });
});
const { url } = await served(app);
process.send?.({ url });
