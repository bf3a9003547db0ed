import { guarded, inBackground } from "@kv/core/driver";
import type { Link, Transport } from "./transport.ts";

/** Where connections come from, and what of the client is ours. */
export type TransportSource =
  | {
      /** Makes a client for one connection, not yet connected, at the first call that needs one (L4). */
      readonly open: () => Promise<Transport>;
    }
  | { readonly transport: Transport; readonly close: boolean };

export interface Waiting {
  /** Something can be sent; `nowMs` as `awaitReady` was given it, where it is at once. */
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
  | { readonly name: "closed" }
  | { readonly name: "opening"; readonly sinceMs: number }
  | { readonly name: "connecting"; readonly transport: Transport; stopListening: () => void }
  | { readonly name: "ready"; readonly transport: Transport }
  | { readonly name: "draining"; readonly transport: Transport; readonly link: Link }
  | { readonly name: "failed"; readonly sinceMs: number };

const closed: State = { name: "closed" };

/** After a failed attempt to connect the next one of our own begins no sooner. */
const pauseMs = 100;
/** A connection is no more often given up because its server became a replica: the next one may lead there, too. */
const demotionPauseMs = 1_000;

/**
 * The connection of a store, and when it is given up. Nothing is handed to a client that is not ready: what a client
 * keeps for later it may send after its call was given up. A client of our own connects when there is something to
 * send, and only then, so that nothing keeps an idle process alive; one that was passed in does so by its own rules.
 *
 * A connection is given up from which not a byte has come for `timeout` while it owes us an answer, that of its
 * handshake included; so is the making of a client that takes longer. The `nowMs` of a method is by a clock that stands still
 * with the event loop.
 */
export class Connection {
  readonly #source: TransportSource;
  readonly #timeoutMs: number;
  readonly #waiting: Waiting;
  #state: State = closed;
  #ended = false;
  #busy = false;
  /** Whether something was sent that is not answered. */
  #hasSent = false;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** What had come on a connection that owes an answer, and since when nothing more has. */
  #silence: { readonly link: Link; readonly bytesRead: number; readonly sinceMs: number } | undefined;
  #demotedMs = Number.NEGATIVE_INFINITY;

  constructor(source: TransportSource, timeoutMs: number, waiting: Waiting) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
    this.#waiting = waiting;
  }

  /** The client, when it can be sent to. */
  get readyTransport(): Transport | undefined {
    const state = this.#state;
    return state.name === "ready" && state.transport.state === "ready" ? state.transport : undefined;
  }

  /** How many bytes have come on the present connection. */
  get bytesRead(): number {
    return this.#transport?.link?.bytesRead ?? 0;
  }

  /** Whether a call is under way: an idle connection of our own keeps no process alive (L3). */
  set busy(busy: boolean) {
    this.#busy = busy;
    this.#holdProcess();
  }

  /** Sees to it that `ready` or `failed` is called, unless the attempt is given up; see `look`. */
  awaitReady(nowMs: number): void {
    const state = this.#state;
    if (state.name === "opening" || state.name === "connecting" || state.name === "draining") return;
    const restMs = state.name === "failed" ? state.sinceMs + pauseMs - performance.now() : 0;
    if ("open" in this.#source && restMs > 0 && !this.#ended) this.#connectIn(restMs, nowMs);
    else this.#connect(nowMs);
  }

  /** Whether an answer is owed, to a call or to the handshake of a client of our own. */
  get owesAnswer(): boolean {
    if (this.#ended) return false;
    const { name } = this.#state;
    return this.#hasSent || name === "opening" || (name === "connecting" && "open" in this.#source);
  }

  /** Something was sent. */
  sent(nowMs: number): void {
    if (this.#hasSent) return;
    this.#hasSent = true;
    this.#listenFrom(nowMs);
  }

  /** All that was sent is answered. */
  drained(): void {
    this.#hasSent = false;
    this.#silence = undefined;
    const state = this.#state;
    if (state.name !== "draining") return;
    this.#state = { name: "ready", transport: state.transport };
    if (state.transport.link === state.link && !state.link.pinned) this.#giveUp();
  }

  /** Gives up what has been silent for too long, and says whether it did. All that has arrived was read before. */
  look(nowMs: number): boolean {
    const state = this.#state;
    if (state.name === "opening") return nowMs >= state.sinceMs + this.#timeoutMs && this.#giveUp();
    const transport = this.#transport;
    const link = transport?.link;
    const isOpen = state.name === "ready" || state.name === "draining";
    if (transport === undefined || link === undefined || (isOpen && !this.#hasSent)) return false;
    const known = this.#silence;
    if (known?.link !== link || known.bytesRead !== link.bytesRead) {
      this.#listenFrom(nowMs);
      return false;
    }
    if (nowMs < known.sinceMs + this.#timeoutMs) return false;
    return !link.pinned && !(isOpen && transport.sendsAgain) && this.#giveUp();
  }

  /** The server is a replica by now: sends nothing more on this connection, where nobody else needs it. */
  demoted(): void {
    const state = this.#state;
    const nowMs = performance.now();
    if (state.name !== "ready" || nowMs < this.#demotedMs + demotionPauseMs) return;
    const { transport } = state;
    const { link } = transport;
    if (link === undefined || link.pinned || transport.sendsAgain) return;
    this.#demotedMs = nowMs;
    this.#state = { name: "draining", transport, link };
  }

  /** Lets go of a connection of our own that nobody needs; where somebody does again, there will be another. */
  rest(): void {
    this.#stopPause();
    if ("open" in this.#source) this.#letGo(closed);
  }

  async close(remainingMs: number): Promise<void> {
    this.#ended = true;
    this.#stopPause();
    this.#letGo(closed);
    if ("close" in this.#source && this.#source.close) await this.#source.transport.close(remainingMs);
  }

  get #transport(): Transport | undefined {
    return "transport" in this.#state ? this.#state.transport : undefined;
  }

  #connectIn(restMs: number, nowMs: number): void {
    this.#pause ??= setTimeout(
      guarded(() => {
        this.#pause = undefined;
        if (this.#busy) this.#connect(nowMs + restMs);
      }),
      restMs,
    );
  }

  #stopPause(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  /** Begins an attempt, when none is under way. */
  #connect(nowMs: number): void {
    this.#stopPause();
    if (this.#ended) this.#failed(new Error("The store was closed."));
    else if ("open" in this.#source) this.#open(this.#source.open, nowMs);
    else this.#listen(this.#source.transport, nowMs);
  }

  #listenFrom(sinceMs: number): void {
    const link = this.#transport?.link;
    this.#silence = link === undefined ? undefined : { link, bytesRead: link.bytesRead, sinceMs };
  }

  #open(open: () => Promise<Transport>, nowMs: number): void {
    const opening: State = { name: "opening", sinceMs: nowMs };
    this.#letGo(opening); // of the one before, whose connection is lost
    inBackground(async () => {
      let transport: Transport;
      try {
        transport = await open();
      } catch (error) {
        if (this.#state === opening) this.#failed(error);
        return;
      }
      if (this.#state === opening && this.#busy) {
        this.#listen(transport, nowMs);
        return;
      }
      transport.destroy(); // nobody waits for it any more
      if (this.#state === opening) this.#state = closed;
    });
  }

  #listen(transport: Transport, nowMs: number): void {
    if (transport.state === "ready") {
      this.#ready(transport, nowMs);
      return;
    }
    const connecting: State = { name: "connecting", transport, stopListening: () => {} };
    this.#state = connecting;
    if (transport.state === "closed") {
      // In a turn of its own: a caller who tries again at once would keep the event loop from its turns.
      setImmediate(
        guarded(() => {
          if (this.#state === connecting) this.#failed(new Error("The client was closed."));
        }),
      );
      return;
    }
    connecting.stopListening = transport.listen({
      ready: () => {
        if (this.#state === connecting) this.#ready(transport);
      },
      failed: (cause) => {
        if (this.#state === connecting) this.#failed(cause);
      },
    });
    this.#listenFrom(nowMs);
    this.#holdProcess();
    try {
      if (transport.state === "idle") transport.connect();
    } catch (error) {
      this.#failed(error);
    }
  }

  #ready(transport: Transport, nowMs?: number): void {
    if (this.#state.name === "connecting") this.#state.stopListening();
    this.#silence = undefined;
    this.#state = { name: "ready", transport };
    this.#holdProcess();
    this.#waiting.ready(nowMs);
  }

  #failed(cause: unknown): void {
    this.#letGo({ name: "failed", sinceMs: performance.now() });
    this.#waiting.failed(cause);
  }

  /** Ends the connection, or the attempt: the next call gets another. Fails nobody who waits for it. */
  #giveUp(): true {
    const link = this.#transport?.link;
    const isAttempt = this.#state.name === "opening" || this.#state.name === "connecting";
    this.#letGo(isAttempt ? { name: "failed", sinceMs: performance.now() } : closed);
    if (!("open" in this.#source)) link?.destroy(); // its client connects again by its own rules
    return true;
  }

  #letGo(next: State): void {
    if (this.#state.name === "connecting") this.#state.stopListening();
    if ("open" in this.#source) this.#transport?.destroy();
    this.#silence = undefined;
    this.#state = next;
  }

  #holdProcess(): void {
    if ("open" in this.#source) this.#transport?.holdProcess(this.#busy);
  }
}
