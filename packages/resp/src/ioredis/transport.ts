import { guarded, inBackground, time } from "@kv/core/driver";
import {
  type Argument,
  type Link,
  NotSentError,
  type Transport,
  type TransportEvents,
  type TransportState,
} from "../transport/transport.ts";
import { hasLongArgument, withChunkedWrites } from "./chunked-writes.ts";
import {
  addressOf,
  type ClientSocket,
  closeClient,
  type IoredisClient,
  sendsAgain,
  socketOf,
} from "./client.ts";
import { listen } from "./client-events.ts";

/** A transport over a client of ioredis or iovalkey: a plain one, or one that follows Sentinel. */
export class IoredisTransport implements Transport {
  readonly address: string;
  readonly sendsAgain: boolean;
  readonly #client: IoredisClient;
  /** The socket of the last attempt that failed: later events of it are ignored. */
  #failedSocket: ClientSocket | undefined;
  /** Its connection keeps the process alive. Default: as the client decides. */
  #keepsProcessAlive: boolean | undefined;

  constructor(client: IoredisClient) {
    this.#client = client;
    this.address = addressOf(client);
    this.sendsAgain = sendsAgain(client);
  }

  get state(): TransportState {
    const { status } = this.#client;
    if (status === "ready") return socketOf(this.#client)?.writable === false ? "connecting" : "ready";
    if (status === "wait") return "idle";
    return status === "end" ? "closed" : "connecting";
  }

  get link(): IoredisLink | undefined {
    const socket = socketOf(this.#client);
    if (socket === undefined) return undefined;
    let link = links.get(socket);
    if (link === undefined) {
      link = new IoredisLink(this.#client, socket);
      links.set(socket, link);
    }
    return link;
  }

  listen(events: TransportEvents): () => void {
    const client = this.#client;
    const { link } = this;
    const isOver = link !== undefined && (link.wasGivenUp || socketOf(client) === this.#failedSocket);
    let attempted = isConnecting(client) && !isOver;
    const failed = (cause: unknown): void => {
      this.#failedSocket = socketOf(client);
      events.failed(cause);
    };
    return listen(client, {
      connecting: () => {
        attempted = true;
      },
      ready: () => {
        if (this.state === "ready") events.ready();
      },
      // A client that finds no Sentinel keeps looking: it reports errors and nothing else.
      error: (cause) => {
        if (attempted || isConnecting(client)) failed(cause);
      },
      // Events come a tick late: one of a lost connection may come when the next is being made.
      close: () => {
        if (isConnecting(client) || client.status === "ready") return;
        if (attempted || this.state === "closed")
          failed(new Error("The connection was closed before it was ready."));
      },
    });
  }

  connect(): void {
    inBackground(() => this.#client.connect().catch(ignoreError)); // the events report it
  }

  send(name: string, args: readonly Argument[]): Promise<unknown> {
    const client = this.#client;
    const { mode = "normal" } = client as { readonly mode?: string };
    if (mode !== "normal") {
      const error = new NotSentError(
        `The client is in ${mode} mode and takes no other commands. Pass the store a client that nothing else uses.`,
      );
      // In a turn of its own: a caller who immediately tries again would starve the event loop.
      return new Promise((_, reject) => time.setImmediate(() => reject(error)));
    }
    const commands = (hasLongArgument(args) ? withChunkedWrites(client) : client) as unknown as Record<
      string,
      (...args: readonly Argument[]) => Promise<unknown>
    >;
    const command = commands[bufferMethodOf(name)];
    if (command === undefined)
      return Promise.reject(new NotSentError(`The client has no command "${name}".`));
    return command.apply(commands, args as Argument[]);
  }

  inOneWrite(write: () => void): void {
    const socket = socketOf(this.#client);
    socket?.cork();
    try {
      write();
    } finally {
      socket?.uncork();
    }
  }

  holdProcess(hold: boolean): void {
    if (this.#keepsProcessAlive === undefined)
      this.#client.on(
        "connect",
        guarded(() => this.#refOrUnref()),
      );
    this.#keepsProcessAlive = hold;
    this.#refOrUnref();
  }

  /** Called again on connect, since there may be no socket yet. */
  #refOrUnref(): void {
    const socket = socketOf(this.#client);
    if (this.#keepsProcessAlive === true) socket?.ref();
    else socket?.unref();
  }

  close(limitMs: number): Promise<void> {
    return closeClient(this.#client, limitMs);
  }

  destroy(): void {
    if (this.#client.status === "end") return;
    this.#client.disconnect();
    socketOf(this.#client)?.destroy(); // a silent server would not answer the end of the connection either
  }
}

/** However many stores use one client, a connection has one link. */
const links = new WeakMap<ClientSocket, IoredisLink>();

class IoredisLink implements Link {
  readonly #client: IoredisClient & ClientInternals;
  readonly #socket: ClientSocket;
  /** The store ended it, so the event of its end is ignored. */
  wasGivenUp = false;

  constructor(client: IoredisClient, socket: ClientSocket) {
    this.#client = client;
    this.#socket = socket;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get pinned(): boolean {
    const { condition, commandQueue } = this.#client;
    if (typeof condition?.subscriber === "object") return true;
    for (let at = 0; at < (commandQueue?.length ?? 0); at += 1) {
      const command = commandQueue?.peekAt(at)?.command;
      if (command !== undefined && blocks(command)) return true;
    }
    return false;
  }

  destroy(): void {
    this.wasGivenUp = true;
    this.#socket.destroy();
  }
}

/** Undocumented parts of a client: its subscriptions, and the commands that are not answered. */
interface ClientInternals {
  readonly condition?: { readonly subscriber?: unknown } | null;
  readonly commandQueue?: {
    readonly length: number;
    peekAt(at: number): { readonly command: SentCommand } | undefined;
  };
}

interface SentCommand {
  readonly name: string;
  readonly args: readonly unknown[];
}

const blocking: ReadonlySet<string> = new Set([
  "blpop",
  "brpop",
  "brpoplpush",
  "blmove",
  "blmpop",
  "bzpopmin",
  "bzpopmax",
  "bzmpop",
  "wait",
  "waitaof",
]);

function blocks({ name, args }: SentCommand): boolean {
  const lower = name.toLowerCase();
  if (lower !== "xread" && lower !== "xreadgroup") return blocking.has(lower);
  return args.some((arg) => String(arg).toLowerCase() === "block");
}

function isConnecting(client: IoredisClient): boolean {
  return client.status === "connecting" || client.status === "connect";
}

/** Returns the name of the client's method for a command that resolves with bytes. */
function bufferMethodOf(name: string): string {
  let method = methods.get(name);
  if (method === undefined) {
    method = `${name}Buffer`;
    methods.set(name, method);
  }
  return method;
}

const methods = new Map<string, string>();

function ignoreError(): void {}
