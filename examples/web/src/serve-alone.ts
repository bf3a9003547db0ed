import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { StoreRegistry } from "@kv/core";
import { guarded } from "@kv/core/driver";
import { webApp } from "./app.ts";
import type { StoreLocation } from "./open-store.ts";
import type { Settings } from "./settings.ts";

/** How long requests that are in flight may still take once the service is told to end. */
const graceMs = 10_000;

/**
 * One process that answers requests, until it is told to end by SIGTERM or SIGINT: then it takes no more, finishes
 * those that are in flight, and closes its stores. Rejects where the store cannot be reached at the start.
 */
export async function serveAlone(
  settings: Settings,
  { store, description }: StoreLocation,
  print: (line: string) => void,
  complain: (line: string) => void,
): Promise<void> {
  await using stores = new StoreRegistry({ root: store });
  // Better not to start at all than to refuse every request.
  await stores.get("sessions").exists("at the start");
  const app = webApp(stores, { ...settings, description }, complain);
  const server = serve({ fetch: app.fetch, port: settings.port }) as Server;
  await listening(server, settings.port);
  const { port } = server.address() as AddressInfo;
  print(`http://localhost:${port}, kept in ${description}, by process ${process.pid}`);

  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  const closed = once(server, "close");
  server.close();
  // Browsers keep connections open on which nothing is asked any more.
  const idle = setInterval(
    guarded(() => server.closeIdleConnections()),
    100,
  );
  const late = setTimeout(
    guarded(() => server.closeAllConnections()),
    graceMs,
  );
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}

async function listening(server: Server, port: number): Promise<void> {
  if (server.listening) return;
  try {
    await once(server, "listening");
  } catch (error) {
    if (!(error instanceof Error && Reflect.get(error, "code") === "EADDRINUSE")) throw error;
    throw new Error(`Port ${port} is taken. Set PORT to another, or to 0 for any that is free.`, {
      cause: error,
    });
  }
}
