import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Express } from "express";
import type { Hono } from "hono";

export interface Served extends AsyncDisposable {
  readonly url: string;
}

/** Serves an application over real HTTP, on a port of its own. */
export async function served(app: Express | Hono): Promise<Served> {
  const server = createServer("fetch" in app ? getRequestListener(app.fetch) : (app as RequestListener));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
