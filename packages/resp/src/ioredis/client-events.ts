import { guarded, inBackground } from "@kv/core/driver";
import type { IoredisClient } from "./client.ts";

/** Hears what happens to the connection of a client. */
export interface ConnectionEvents {
  ready(): void;
  error(cause: unknown): void;
  /** The connection was closed, or will not be opened again. */
  close(): void;
  connecting(): void;
}

/** Listens until the returned function is called. However many stores use one client, each event is listened to once. */
export function listen(client: IoredisClient, events: ConnectionEvents): () => void {
  const hub = hubs.get(client) ?? new EventHub(client);
  hubs.set(client, hub);
  hub.listeners.add(events);
  return () => {
    hub.listeners.delete(events);
    if (hub.listeners.size > 0) return;
    hub.dispose();
    hubs.delete(client);
  };
}

const hubs = new WeakMap<IoredisClient, EventHub>();

class EventHub {
  readonly listeners = new Set<ConnectionEvents>();
  readonly #client: IoredisClient;
  readonly #handlers: readonly (readonly [event: string, handler: (cause?: unknown) => void])[] = [
    ["ready", guarded(() => this.#emit((events) => events.ready()))],
    ["error", guarded((cause) => this.#emit((events) => events.error(cause)))],
    ["close", guarded(() => this.#emit((events) => events.close()))],
    ["end", guarded(() => this.#emit((events) => events.close()))],
    ["connecting", guarded(() => this.#emit((events) => events.connecting()))],
  ];

  constructor(client: IoredisClient) {
    this.#client = client;
    // oxlint-disable-next-line background/guarded -- each of them is
    for (const [event, handler] of this.#handlers) client.on(event, handler);
  }

  dispose(): void {
    for (const [event, handler] of this.#handlers) this.#client.off(event, handler);
  }

  /** Tells the present listeners; one of them may end or begin listening meanwhile. */
  #emit(what: (events: ConnectionEvents) => void): void {
    for (const events of Array.from(this.listeners)) {
      if (this.listeners.has(events)) inBackground(() => what(events));
    }
  }
}
