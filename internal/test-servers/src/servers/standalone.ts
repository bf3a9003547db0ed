import { type DataServerOptions, startDataServer } from "./data-server.ts";
import type { ServerKind } from "./kind.ts";
import type { RunningServer } from "./server.ts";

/** A server on its own, with a port and an empty keyspace of its own. */
export function startStandalone(options: DataServerOptions): Promise<RunningServer> {
  return startDataServer(options);
}

/**
 * The plain server for tests that need nothing but an address: the one that `KV_TEST_REDIS_URL` or
 * `KV_TEST_VALKEY_URL` names, else one that is started here. The one named may hold other people's keys.
 */
export async function standaloneUrl(
  kind: ServerKind,
): Promise<AsyncDisposable & { readonly url: string; stop(): Promise<void> }> {
  const url = process.env[`KV_TEST_${kind.toUpperCase()}_URL`];
  if (url === undefined) return startStandalone({ kind });
  return { url, stop: leaveRunning, [Symbol.asyncDispose]: leaveRunning };
}

async function leaveRunning(): Promise<void> {}
