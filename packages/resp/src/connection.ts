import { guarded, inBackground } from "@kv/core/driver";
import { type ConnectionEvents, listen } from "./client-events.ts";
import { type ClientSocket, type RespClient, sendsAgain, socketOf, socketsOf } from "./resp-client.ts";

/** Where a client comes from, and what of it is ours. */
export type ClientSource =
  | {
      /** Makes the client, not yet connected, at the first call (L4). It must not reconnect by itself. */
      readonly open: () => Promise<RespClient>;
    }
  | { readonly client: RespClient; readonly closeClient: boolean };

export interface Waiting {
  /** The client can be written to. */
  ready(): void;
  /** An attempt to connect failed, so nothing that waits for it is sent. */
  failed(cause: unknown): void;
}

/** After a failed attempt to connect the next one begins no sooner. */
const pauseMs = 100;
/** A cluster is asked no more often where its keys are: a failover takes seconds, and all who wait for it ask. */
const slotsPauseMs = 500;

/**
 * The connection of a store. Nothing is handed to a client that is not ready: what a client keeps for later it may
 * send after its call was given up. A client of our own connects when there is something to send, and only then, so
 * that nothing keeps an idle process alive; one that was passed in does so by its own rules.
 */
export class Connection {
  readonly #source: ClientSource;
  readonly #timeoutMs: number;
  readonly #waiting: Waiting;
  #client: RespClient | undefined;
  #opening = false;
  #ended = false;
  #awaited = false;
  /** Whether the attempt that is waited for has begun. */
  #attempted = false;
  /** The socket of the last attempt that failed: what is yet to be heard of it is old news. */
  #failedSocket: ClientSocket | undefined;
  #lastFailureMs = Number.NEGATIVE_INFINITY;
  /** What had been read from which socket when a call was not answered. */
  #silence:
    | { readonly socket: ClientSocket; readonly bytesRead: number; readonly sinceMs: number }
    | undefined;
  #slotsAskedMs = Number.NEGATIVE_INFINITY;
  #busy = false;
  #stopListening: (() => void) | undefined;

  constructor(source: ClientSource, timeoutMs: number, waiting: Waiting) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
    this.#waiting = waiting;
    if ("client" in source) this.#client = source.client;
  }

  /** The client, when it can be written to. */
  get readyClient(): RespClient | undefined {
    const client = this.#client;
    return client?.status === "ready" && socketOf(client)?.writable !== false ? client : undefined;
  }

  /** Sees to it that `ready` or `failed` is called, once, unless the connection hangs; see `drop`. */
  awaitReady(): void {
    if (this.#awaited || this.#opening) return;
    if (this.#ended) {
      this.#waiting.failed(new Error("The store was closed."));
      return;
    }
    if (this.#client === undefined) {
      inBackground(() => this.#open());
      return;
    }
    this.#awaited = true;
    this.#attempted = isConnecting(this.#client) && socketOf(this.#client) !== this.#failedSocket;
    this.#stopListening = listen(this.#client, this.#events);
    this.#connectIfAsleep(this.#client);
  }

  /** Whether something is under way: an idle socket of our own keeps no process alive (L3). */
  set busy(busy: boolean) {
    this.#busy = busy;
    this.#holdProcess();
  }

  /**
   * After a call that was not answered in time: gives up the connection, so that later calls get a fresh one. One of a
   * client that was passed in, and that others may use, only where not a byte has come from it for all of `timeout`, as
   * from a machine that is gone: the system itself would wait for a quarter of an hour.
   */
  drop(): void {
    const client = this.#client;
    if (client === undefined || client.status === "end") return;
    if ("open" in this.#source) this.#hangUp(client);
    else if (client.status === "ready" && !this.#ended && !sendsAgain(client))
      this.#dropIfSilent(socketOf(client));
  }

  /**
   * Asks a cluster anew which node serves which keys, after a call to one was not answered. Its client asks by itself
   * when a node refers it to another one; from one that is lost it hears nothing, and would turn to it for ever.
   */
  refreshSlots(): void {
    const client = this.readyClient;
    if (client?.isCluster !== true || this.#ended) return;
    const nowMs = performance.now();
    if (nowMs < this.#slotsAskedMs + slotsPauseMs) return;
    this.#slotsAskedMs = nowMs;
    client.refreshSlotsCache?.();
  }

  async close(remainingMs: number): Promise<void> {
    this.#ended = true;
    const client = this.#client;
    if (client === undefined) return;
    if ("open" in this.#source) {
      if (client.status !== "end") this.#hangUp(client);
    } else if (this.#source.closeClient) {
      await quit(client, remainingMs);
    }
  }

  async #open(): Promise<void> {
    if (!("open" in this.#source)) return;
    this.#opening = true;
    try {
      this.#client = await this.#source.open();
    } catch (error) {
      this.#opening = false;
      this.#waiting.failed(error);
      return;
    }
    this.#opening = false;
    this.#client.on("error", guarded(ignoreError)); // without a listener it would be printed
    this.#client.on(
      "connect",
      guarded(() => this.#holdProcess()),
    );
    this.awaitReady();
  }

  #connectIfAsleep(client: RespClient): void {
    const asleep = client.status === "wait" || (client.status === "end" && "open" in this.#source);
    if (!asleep) {
      if (client.status === "end") this.#settle(new Error("The client was closed."));
      return;
    }
    if (this.#ended) return; // what waits is given up by the sender
    const restMs = this.#lastFailureMs + pauseMs - performance.now();
    if (restMs > 0) {
      setTimeout(
        guarded(() => {
          if (this.#awaited) this.#connectIfAsleep(client);
        }),
        restMs,
      );
      return;
    }
    this.#attempted = true;
    inBackground(() => client.connect().catch(ignoreError)); // the events below tell
  }

  readonly #events: ConnectionEvents = {
    connecting: () => {
      this.#attempted = true;
    },
    ready: () => {
      if (this.readyClient !== undefined) this.#settle(undefined);
    },
    // A client that finds no Sentinel goes on looking: it tells by errors alone.
    error: (cause) => {
      if (this.#attempted || (this.#client !== undefined && isConnecting(this.#client))) this.#settle(cause);
    },
    close: () => {
      if (this.#attempted) this.#settle(new Error("The connection was closed before it was ready."));
      else if (this.#client !== undefined) this.#connectIfAsleep(this.#client); // the end of an earlier one
    },
  };

  #settle(cause: unknown): void {
    if (!this.#awaited || this.#client === undefined) return;
    this.#awaited = false;
    this.#stopListening?.();
    if (cause === undefined) {
      this.#waiting.ready();
      return;
    }
    this.#lastFailureMs = performance.now();
    this.#failedSocket = socketOf(this.#client);
    this.#waiting.failed(cause);
  }

  /** Its client connects anew by its own rules. */
  #dropIfSilent(socket: ClientSocket | undefined): void {
    if (socket === undefined) return;
    const { bytesRead } = socket;
    const nowMs = performance.now();
    const known = this.#silence;
    if (known?.socket !== socket || known.bytesRead !== bytesRead) {
      this.#silence = { socket, bytesRead, sinceMs: nowMs };
    } else if (nowMs >= known.sinceMs + this.#timeoutMs) {
      socket.destroy();
    }
  }

  #hangUp(client: RespClient): void {
    client.disconnect();
    socketOf(client)?.destroy(); // a silent server would not answer the end of the connection either
  }

  #holdProcess(): void {
    if (!("open" in this.#source) || this.#client === undefined) return;
    const socket: ClientSocket | undefined = socketOf(this.#client);
    if (this.#busy) socket?.ref();
    else socket?.unref();
  }
}

/** All that is written within `write` goes to each socket in one piece. */
export function inOneWrite(client: RespClient, write: () => void): void {
  const sockets = socketsOf(client);
  for (const socket of sockets) socket.cork();
  try {
    write();
  } finally {
    for (const socket of sockets) socket.uncork();
  }
}

function isConnecting(client: RespClient): boolean {
  return client.status === "connecting" || client.status === "connect";
}

/** QUIT waits for what others still ask the client for; a silent server would never answer it. */
async function quit(client: RespClient, limitMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  if (client.status === "ready") await Promise.race([client.quit().then(ignoreError, ignoreError), limit]);
  clearTimeout(timer);
  if (client.status !== "end") client.disconnect();
}

function ignoreError(): void {}
