import { redisStore } from "@kv/redis";
import { serveStore } from "@kv/testkit/process";

const [url = "", namespace = ""] = process.argv.slice(2);
serveStore(redisStore({ url, namespace }));
