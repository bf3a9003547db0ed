import type { Buffer } from "node:buffer";

/** An argument of a command. Clients write strings faster than bytes. */
export type Argument = string | Buffer;

/**
 * Where a client stands: `idle` until it is told to connect; `connecting` while it tries, or will try, by itself; `ready`
 * for commands; `closed` for good.
 */
export type TransportState = "idle" | "connecting" | "ready" | "closed";

/**
 * All that a store asks of a client, so that any client can serve, or a simulated one. A store decides when to connect,
 * what to wait for and when to give up; a transport sends.
 */
export interface Transport {
  /** Where it leads, for people: `127.0.0.1:6379`. */
  readonly address: string;

  /** Whether it leads to many servers, so that the keys of one command have to be of one slot. */
  readonly isCluster: boolean;

  /**
   * Whether the client may send again, on its next connection, what was not answered on this one. The store never
   * gives up a connection on which such a client has sent something.
   */
  readonly sendsAgain: boolean;

  /** Where the client stands just now. */
  readonly state: TransportState;

  /** The connection that there is, or is being made; of a cluster none. */
  readonly link: Link | undefined;

  /** Reports what becomes of connecting, until the returned function is called. */
  listen(events: TransportEvents): () => void;

  /** Begins to connect. Called only while `idle`; `listen` tells how it went. */
  connect(): void;

  /**
   * Sends one command at once, to one of the masters where it is given. Resolves with the reply: text as a `Buffer`, numbers as
   * numbers or text, arrays, `null`. Rejects with an error named `ReplyError` for what the server refused, with a
   * `NotSentError` where nothing was sent, and with anything else where the outcome is not known. It sends no write twice.
   */
  send(name: string, args: readonly Argument[], node?: ServerNode): Promise<unknown>;

  /** Calls `write`: all that is sent within goes to each server in one piece. */
  inOneWrite(write: () => void): void;

  /** The servers that hold the data: of a cluster its masters, else one. */
  masters(): readonly ServerNode[];

  /** Asks a cluster again which node serves which keys. Does nothing elsewhere. */
  refreshMasters(): void;

  /** Decides whether the open connection keeps the process alive. */
  holdProcess(hold: boolean): void;

  /** Closes the client for good, after waiting for what others have asked it for, `limitMs` milliseconds at most. */
  close(limitMs: number): Promise<void>;

  /** Closes the client for good, at once. */
  destroy(): void;
}

/** One server of those behind a transport. */
export interface ServerNode {
  /** Where it is, for people. */
  readonly address: string;
  /** The connection to it just now. */
  readonly link: Link | undefined;
}

/** One connection to a server: the same object for as long as it is the same connection. */
export interface Link {
  /** How many bytes have come, ever. */
  readonly bytesRead: number;

  /**
   * Whether others wait for something that comes when it comes: a subscription, or a command that blocks. Silence means
   * nothing then.
   */
  readonly pinned: boolean;

  /** Ends the connection at once, without a word to the server; what was sent on it and not answered rejects. */
  destroy(): void;
}

/** What becomes of an attempt to connect; never of one that was over when the listening began. */
export interface TransportEvents {
  /** The client is ready for commands. */
  ready(): void;
  /** The attempt failed. A client that was passed in may try again by itself, unasked. */
  failed(cause: unknown): void;
}

/** Says that a command was not sent, and never will be. */
export class NotSentError extends Error {
  override readonly name = "NotSentError";
}
