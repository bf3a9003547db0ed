import { guarded, inBackground } from "@kv/core/driver";
import type { IoredisClient } from "./client.ts";

/** What is told of a client's connection. */
export interface ConnectionEvents {
  ready(): void;
  error(cause: unknown): void;
  /** The connection was closed, or will not be opened again. */
  close(): void;
  connecting(): void;
}

/** Listens until the returned function is called. However many stores use one client, each event is listened to once. */
export function listen(client: IoredisClient, events: ConnectionEvents): () => void {
  const hub = hubs.get(client) ?? new Hub(client);
  hubs.set(client, hub);
  hub.listeners.add(events);
  return () => {
    hub.listeners.delete(events);
    if (hub.listeners.size > 0) return;
    hub.end();
    hubs.delete(client);
  };
}

const hubs = new WeakMap<IoredisClient, Hub>();

class Hub {
  readonly listeners = new Set<ConnectionEvents>();
  readonly #client: IoredisClient;
  readonly #handlers: readonly (readonly [event: string, handler: (cause?: unknown) => void])[] = [
    ["ready", guarded(() => this.#tell((events) => events.ready()))],
    ["error", guarded((cause) => this.#tell((events) => events.error(cause)))],
    ["close", guarded(() => this.#tell((events) => events.close()))],
    ["end", guarded(() => this.#tell((events) => events.close()))],
    ["connecting", guarded(() => this.#tell((events) => events.connecting()))],
  ];

  constructor(client: IoredisClient) {
    this.#client = client;
    // oxlint-disable-next-line background/guarded -- each of them is
    for (const [event, handler] of this.#handlers) client.on(event, handler);
  }

  end(): void {
    for (const [event, handler] of this.#handlers) this.#client.off(event, handler);
  }

  /** Those who listen when it happens; one of them may end or begin listening on the way. */
  #tell(what: (events: ConnectionEvents) => void): void {
    for (const events of Array.from(this.listeners)) {
      if (this.listeners.has(events)) inBackground(() => what(events));
    }
  }
}
