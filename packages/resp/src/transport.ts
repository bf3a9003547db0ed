import type { Buffer } from "node:buffer";

/** An argument of a command. Clients write strings faster than bytes. */
export type Argument = string | Buffer;

/**
 * Where a client stands: `idle` until it is told to connect; `connecting` while it tries, or will try, by itself; `ready`
 * for commands; `closed` for good.
 */
export type TransportState = "idle" | "connecting" | "ready" | "closed";

/**
 * All that a store asks of a client to one server, so that any client can serve, or a simulated one. A store decides when to
 * connect, what to wait for and when to give up; a transport sends.
 */
export interface Transport {
  /** Where it leads, for people: `127.0.0.1:6379`. */
  readonly address: string;

  /**
   * Whether the client may send again, on its next connection, what was not answered on this one. The store never
   * gives up a connection on which such a client has sent something.
   */
  readonly sendsAgain: boolean;

  /** Where the client stands just now. */
  readonly state: TransportState;

  /** The connection that there is, or is being made. */
  readonly link: Link | undefined;

  /** Reports what becomes of connecting, until the returned function is called. */
  listen(events: TransportEvents): () => void;

  /** Begins to connect. Called only while `idle`; `listen` tells how it went. */
  connect(): void;

  /**
   * Sends one command at once, after all that was sent before. Resolves with the reply: text as a `Buffer`, numbers as
   * numbers or text, arrays, `null`. Rejects with an error named `ReplyError` for what the server refused, with a
   * `NotSentError` where nothing was sent, and with anything else where the outcome is not known. It sends no write twice,
   * and follows no redirection.
   */
  send(name: string, args: readonly Argument[]): Promise<unknown>;

  /** Calls `write`: all that is sent within goes in one piece. */
  inOneWrite(write: () => void): void;

  /** Decides whether the open connection keeps the process alive. */
  holdProcess(hold: boolean): void;

  /** Closes the client for good, after waiting for what others have asked it for, `limitMs` milliseconds at most. */
  close(limitMs: number): Promise<void>;

  /** Closes the client for good, at once. */
  destroy(): void;
}

/**
 * All that a store asks of a client to a cluster: where the cluster is, and clients to single nodes. The store itself
 * finds out which node serves which keys, and follows redirections.
 */
export interface ClusterTransport {
  /** Where the cluster is, for people. */
  readonly address: string;

  /** Whether its owner has closed it: then nothing is sent any more. */
  readonly closed: boolean;

  /** The nodes that are asked first who the others are. */
  startNodes(): Promise<readonly NodeAddress[]>;

  /**
   * Makes a client for one connection to a node, not connected yet: each connection gets another, so it must never connect again
   * by itself, nor send anything again.
   */
  open(node: NodeAddress): Promise<Transport>;

  /** Closes the client that was passed in for good. Those that `open` has made are the store's. */
  close(limitMs: number): Promise<void>;
}

/** A node of a cluster, as the cluster announces it. */
export interface NodeAddress {
  /** A name or an address. */
  readonly host: string;
  /** For clients, over TLS where the cluster has that. */
  readonly port: number;
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
