import type { Buffer } from "node:buffer";

/** An argument of a command. Clients write strings faster than bytes. */
export type Argument = string | Buffer;

/**
 * The state of a client: `idle` until `connect` is called; `connecting` while it tries, or will try by itself; `ready`
 * for commands; `closed` permanently.
 */
export type TransportState = "idle" | "connecting" | "ready" | "closed";

/**
 * A client to one server, reduced to what a store needs, so that any client can be used, or a simulated one. The store decides
 * when to connect, what to wait for and when to give up; a transport sends.
 */
export interface Transport {
  /** The address of the server, for error messages: `127.0.0.1:6379`. */
  readonly address: string;

  /**
   * The client may send again, on its next connection, what was not answered on this one. The store never
   * gives up a connection on which such a client has sent something.
   */
  readonly sendsAgain: boolean;

  /** The present state of the client. */
  readonly state: TransportState;

  /** The present connection, which may still be being made. */
  readonly link: Link | undefined;

  /** Reports how attempts to connect end, until the returned function is called. */
  listen(events: TransportEvents): () => void;

  /** Begins to connect. Called only while `idle`; `listen` reports how it went. */
  connect(): void;

  /**
   * Sends one command immediately, after everything that was sent before. Resolves with the reply: text as a `Buffer`, numbers
   * as numbers or text, arrays, `null`. Rejects with an error named `ReplyError` for a command that the server refused, with a
   * `NotSentError` where nothing was sent, and with any other error where the outcome is not known. It sends no write twice,
   * and follows no redirection.
   */
  send(name: string, args: readonly Argument[]): Promise<unknown>;

  /** Calls `write`, and sends all commands of it in one write to the socket. */
  inOneWrite(write: () => void): void;

  /** Decides whether the open connection keeps the process alive. */
  holdProcess(hold: boolean): void;

  /** Closes the client permanently, after waiting for the commands of others, `limitMs` milliseconds at most. */
  close(limitMs: number): Promise<void>;

  /** Closes the client permanently and immediately. */
  destroy(): void;
}

/**
 * A client to a cluster, reduced to what a store needs: where the cluster is, and clients to single nodes. The store itself
 * finds out which node serves which keys, and follows redirections.
 */
export interface ClusterTransport {
  /** The address of the cluster, for error messages. */
  readonly address: string;

  /** Its owner has closed it: then nothing is sent any more. */
  readonly closed: boolean;

  /** Resolves the nodes that are asked first who the others are. */
  startNodes(): Promise<readonly NodeAddress[]>;

  /**
   * Makes a client for one connection to a node, not connected yet: each connection gets another, so it must never connect again
   * by itself, nor send anything again.
   */
  open(node: NodeAddress): Promise<Transport>;

  /** Closes the client that was passed in permanently. Those that `open` has made belong to the store. */
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
  /** The number of bytes that have come on it. */
  readonly bytesRead: number;

  /**
   * Others wait on it for something that may take any time: a subscription, or a command that blocks. Silence means
   * nothing then.
   */
  readonly pinned: boolean;

  /** Ends the connection immediately, without telling the server; commands that were not answered reject. */
  destroy(): void;
}

/** Hears how an attempt to connect ends; never of one that was over before `listen` was called. */
export interface TransportEvents {
  /** Says that the client is ready for commands. */
  ready(): void;
  /** Says that the attempt failed. A client that was passed in may try again by itself, unasked. */
  failed(cause: unknown): void;
}

/** The error of a command that was not sent, and never will be. */
export class NotSentError extends Error {
  override readonly name = "NotSentError";
}
