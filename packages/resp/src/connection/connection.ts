import { inBackground, type Timer, time } from "@kv/core/driver";
import type { Link, Transport } from "../transport/transport.ts";
import { BorrowedClient, clientPolicy, type ManagedClients, type TransportSource } from "./client-policy.ts";

/** Hears how attempts to connect end. */
export interface ConnectionListener {
  /** Something can be sent; `nowMs` is that of `awaitReady`, where this is called synchronously by it. */
  ready(nowMs?: number): void;
  /** An attempt to connect failed, so nothing that waits for it is sent. */
  failed(cause: unknown): void;
}

/**
 * - `closed`: there is no connection, and none is being made.
 * - `opening`: a client is being made, which may mean that its library is loaded.
 * - `connecting`: a client connects, and we listen to it.
 * - `ready`: it could be sent to when we last looked.
 * - `draining`: its server became a replica. It gets nothing more, and is given up once all is answered.
 * - `failed`: the last attempt failed. The next call tries again.
 */
type State =
  | { readonly name: "closed"; readonly transport?: undefined }
  | { readonly name: "opening"; readonly transport?: undefined; readonly sinceMs: number }
  | { readonly name: "connecting"; readonly transport: Transport; stopListening: () => void }
  | { readonly name: "ready"; readonly transport: Transport }
  | { readonly name: "draining"; readonly transport: Transport; readonly link: Link }
  | { readonly name: "failed"; readonly transport?: undefined; readonly sinceMs: number };

const closed: State = { name: "closed" };

/** The shortest time between two connections that are given up since their servers became replicas: the next may lead to one, too. */
const demotionIntervalMs = 1_000;

/**
 * The connection to a server, and when it is given up. Nothing is handed to a client that is not ready: what a client
 * keeps for later it may send after its call was given up. A client that the store makes connects when there is something to
 * send, and only then, so that nothing keeps an idle process alive; one that was passed in does so by its own rules
 * (see `ClientPolicy`).
 *
 * A connection is given up when not a byte has come for `timeout` while it owes an answer, that of its
 * handshake included; so is the making of a client that takes longer. The `nowMs` of a method is by a clock that stands still
 * with the event loop.
 */
export class Connection {
  readonly #policy: ManagedClients | BorrowedClient;
  readonly #timeoutMs: number;
  readonly #listener: ConnectionListener;
  #state: State = closed;
  #isClosed = false;
  /** The number of operations that keep the process alive. */
  #holds = 0;
  /** Something was sent that is not answered. */
  #hasUnanswered = false;
  #reconnectTimer: Timer | undefined;
  /** The bytes that had come on a connection that owes an answer, and since when no more have. */
  #lastRead: { readonly link: Link; readonly bytesRead: number; readonly sinceMs: number } | undefined;
  #demotedMs = Number.NEGATIVE_INFINITY;

  constructor(source: TransportSource, timeoutMs: number, listener: ConnectionListener) {
    this.#policy = clientPolicy(source);
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  /** The client, while it can be sent to. */
  get readyTransport(): Transport | undefined {
    const state = this.#state;
    return state.name === "ready" && state.transport.state === "ready" ? state.transport : undefined;
  }

  /** The number of bytes that have come on the present connection. */
  get bytesRead(): number {
    return this.#state.transport?.link?.bytesRead ?? 0;
  }

  /** Keeps the process alive, until `unhold` was called as often; an idle connection of a managed client does not (L3). */
  hold(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#policy.holdProcess(this.#state.transport, true);
  }

  /** Takes back one `hold`. */
  unhold(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#policy.holdProcess(this.#state.transport, false);
  }

  /** Sees to it that `ready` or `failed` is called, unless the attempt is given up; see `abandonIfSilent`. */
  awaitReady(nowMs: number): void {
    const state = this.#state;
    if (state.name === "opening" || state.name === "connecting" || state.name === "draining") return;
    const { reconnectDelayMs } = this.#policy;
    const restMs = state.name === "failed" ? state.sinceMs + reconnectDelayMs - time.monotonicMs() : 0;
    if (restMs > 0 && !this.#isClosed) this.#reconnectIn(restMs, nowMs);
    else this.#connect(nowMs);
  }

  /** Tells whether an answer is owed, to a call or to a handshake. */
  get owesAnswer(): boolean {
    if (this.#isClosed) return false;
    const { name } = this.#state;
    return this.#hasUnanswered || name === "opening" || (name === "connecting" && this.#policy.owesHandshake);
  }

  /** Notes that something was sent. */
  sent(nowMs: number): void {
    if (this.#hasUnanswered) return;
    this.#hasUnanswered = true;
    this.#restartSilence(nowMs);
  }

  /** Notes that all that was sent is answered. */
  drained(): void {
    this.#hasUnanswered = false;
    this.#lastRead = undefined;
    const state = this.#state;
    if (state.name !== "draining") return;
    this.#state = { name: "ready", transport: state.transport };
    if (state.transport.link === state.link && !state.link.pinned) this.#abandon();
  }

  /**
   * Gives up a connection, or an attempt to connect, that has been silent for too long, and tells whether it did. What has
   * arrived must have been read before.
   */
  abandonIfSilent(nowMs: number): boolean {
    const state = this.#state;
    if (state.name === "opening") return nowMs >= state.sinceMs + this.#timeoutMs && this.#abandon();
    const { transport } = state;
    const link = transport?.link;
    const isOpen = state.name === "ready" || state.name === "draining";
    if (transport === undefined || link === undefined || (isOpen && !this.#hasUnanswered)) return false;
    const known = this.#lastRead;
    if (known?.link !== link || known.bytesRead !== link.bytesRead) {
      this.#restartSilence(nowMs);
      return false;
    }
    if (nowMs < known.sinceMs + this.#timeoutMs) return false;
    return !link.pinned && !(isOpen && transport.sendsAgain) && this.#abandon();
  }

  /** Notes that the server became a replica: sends nothing more on this connection, unless others need it. */
  demoted(): void {
    const state = this.#state;
    const nowMs = time.monotonicMs();
    if (state.name !== "ready" || nowMs < this.#demotedMs + demotionIntervalMs) return;
    const { transport } = state;
    const { link } = transport;
    if (link === undefined || link.pinned || transport.sendsAgain) return;
    this.#demotedMs = nowMs;
    this.#state = { name: "draining", transport, link };
  }

  /** Gives up a connection that nothing needs any more. The next operation makes another. */
  release(): void {
    this.#stopReconnectTimer();
    this.#leaveState(closed);
  }

  /** Closes it; every later attempt to connect fails. */
  async close(remainingMs: number): Promise<void> {
    this.#isClosed = true;
    this.#stopReconnectTimer();
    this.#leaveState(closed);
    await this.#policy.close(remainingMs);
  }

  #reconnectIn(restMs: number, nowMs: number): void {
    this.#reconnectTimer ??= time.setTimeout(() => {
      this.#reconnectTimer = undefined;
      if (this.#holds > 0) this.#connect(nowMs + restMs);
    }, restMs);
  }

  #stopReconnectTimer(): void {
    time.clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = undefined;
  }

  /** Begins an attempt; none may be in progress. */
  #connect(nowMs: number): void {
    this.#stopReconnectTimer();
    if (this.#isClosed) this.#fail(new Error("The store was closed."));
    else if (this.#policy instanceof BorrowedClient) this.#listen(this.#policy.transport, nowMs);
    else this.#open(this.#policy, nowMs);
  }

  #restartSilence(sinceMs: number): void {
    const link = this.#state.transport?.link;
    this.#lastRead = link === undefined ? undefined : { link, bytesRead: link.bytesRead, sinceMs };
  }

  #open(clients: ManagedClients, nowMs: number): void {
    const opening: State = { name: "opening", sinceMs: nowMs };
    this.#leaveState(opening); // that of a connection that was lost
    inBackground(async () => {
      let transport: Transport;
      try {
        transport = await clients.open();
      } catch (error) {
        if (this.#state === opening) this.#fail(error);
        return;
      }
      if (this.#state === opening && this.#holds > 0) {
        this.#listen(transport, nowMs);
        return;
      }
      clients.discard(transport); // nobody waits for it any more
      if (this.#state === opening) this.#state = closed;
    });
  }

  #listen(transport: Transport, nowMs: number): void {
    if (transport.state === "ready") {
      this.#becomeReady(transport, nowMs);
      return;
    }
    const connecting: State = { name: "connecting", transport, stopListening: () => {} };
    this.#state = connecting;
    if (transport.state === "closed") {
      // In a turn of its own: a caller who immediately tries again would starve the event loop.
      time.setImmediate(() => {
        if (this.#state === connecting) this.#fail(new Error("The client was closed."));
      });
      return;
    }
    connecting.stopListening = transport.listen({
      ready: () => {
        if (this.#state === connecting) this.#becomeReady(transport);
      },
      failed: (cause) => {
        if (this.#state === connecting) this.#fail(cause);
      },
    });
    this.#restartSilence(nowMs);
    this.#policy.holdProcess(transport, this.#holds > 0);
    try {
      if (transport.state === "idle") transport.connect();
    } catch (error) {
      this.#fail(error);
    }
  }

  #becomeReady(transport: Transport, nowMs?: number): void {
    if (this.#state.name === "connecting") this.#state.stopListening();
    this.#lastRead = undefined;
    this.#state = { name: "ready", transport };
    this.#policy.holdProcess(transport, this.#holds > 0);
    this.#listener.ready(nowMs);
  }

  #fail(cause: unknown): void {
    this.#leaveState({ name: "failed", sinceMs: time.monotonicMs() });
    this.#listener.failed(cause);
  }

  /** Ends the connection, or the attempt: the next operation gets another. Fails nobody who waits for it. */
  #abandon(): true {
    const link = this.#state.transport?.link;
    const isAttempt = this.#state.name === "opening" || this.#state.name === "connecting";
    this.#leaveState(isAttempt ? { name: "failed", sinceMs: time.monotonicMs() } : closed);
    this.#policy.interrupt(link);
    return true;
  }

  #leaveState(next: State): void {
    if (this.#state.name === "connecting") this.#state.stopListening();
    this.#policy.discard(this.#state.transport);
    this.#lastRead = undefined;
    this.#state = next;
  }
}
