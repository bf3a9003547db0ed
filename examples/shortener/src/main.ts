import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { storeFromUrl } from "@kv/from-url";
import { shortener } from "./app.ts";

// The one variable that decides where everything is kept: memory:, file:./data/kv, redis://localhost:6379, ...
const root = await storeFromUrl(process.env["KV_URL"] ?? "memory:", { namespace: "shortener" });

const app = shortener(root, {
  mail: (name, path) => process.stdout.write(`mail to ${name}: ${path}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
await root.exists("a probe"); // better not to start at all than to refuse every request

const server = serve({ fetch: app.fetch, port: Number(process.env["PORT"] ?? 3000) }) as Server;
if (!server.listening) await once(server, "listening");
process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`);

await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
const closed = once(server, "close");
server.close();
server.closeIdleConnections();
await closed;
await root.close();
