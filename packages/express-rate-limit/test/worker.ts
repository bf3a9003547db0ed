import { openElsewhere, type StorePlace } from "@kv/test-backends";
import { rateLimitStore } from "../src/index.ts";
import { frameworks } from "./frameworks.ts";

// One of the processes of a service that has a limit: says where it listens once it does.
const { place, framework, limit } = JSON.parse(process.argv[2] ?? "") as {
  place: StorePlace;
  framework: string;
  limit: number;
};
const store = rateLimitStore(openElsewhere(place, { timeout: "1m" }), { namespace: framework });
const server = await frameworks.find((one) => one.framework === framework)?.serve({ store, limit });
process.send?.({ url: server?.url });
