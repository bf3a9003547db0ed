import type { Argument, Link } from "../transport/transport.ts";
import type { Script } from "./scripts.ts";

/** A weight of one stands for an operation whose values are shorter than this. */
const bytesPerWeight = 1024;

/**
 * One request for one key, from a call until its answer. It is sent in a command of its own, or batched with others of its type
 * into one command.
 */
export class Operation {
  readonly type: OperationType;
  /** The server's key; empty where there is none. */
  readonly key: string;
  /** The arguments of the command apart from the key, in the form that the type documents. */
  readonly values: readonly Argument[];
  /** The approximate size of the values. */
  readonly bytes: number;
  /** The share of a slice that it takes: one, and one more for each kilobyte. */
  readonly weight: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** The node, slot or connection that it must go to. Default: wherever its key lies. */
  readonly destination: Destination;
  onSettled: (() => void) | undefined = undefined;

  // From here on: its progress, which the pipeline and the servers keep.
  state: "waiting" | "sent" | "settled" = "waiting";
  /** Grows from operation to operation. */
  sequence = 0;
  /** The time at which it is given up. */
  deadline: Deadline = never;
  /** Its neighbours in the deadline queue. */
  previous: Operation | undefined = undefined;
  next: Operation | undefined = undefined;
  /** Must go in a command of its own. */
  unbatched = false;
  /** May be sent again after a lost connection; a write never may. */
  retryable: boolean;
  /** The server with which it waits to be sent or answered. */
  owner: OperationOwner | undefined = undefined;
  /** Keeps the process alive until it is settled. */
  holdsProcess = true;
  /** Goes behind ASKING, to a node that does not serve its slot yet. */
  asking = false;
  /** The number of times in a row that a cluster has redirected it. */
  redirections = 0;
  /** The error of the last attempt, where it is to be tried again. */
  lastError: unknown = undefined;

  constructor(
    type: OperationType,
    key: string,
    values: readonly Argument[],
    resolve: (answer: unknown) => void,
    reject: (error: unknown) => void,
    destination: Destination = byKey,
  ) {
    this.type = type;
    this.key = key;
    this.values = values;
    let bytes = 0;
    for (const value of values) bytes += value.length;
    this.bytes = bytes;
    this.weight = 1 + Math.floor(bytes / bytesPerWeight);
    this.resolve = resolve;
    this.reject = reject;
    this.destination = destination;
    this.retryable = !type.writes;
  }
}

/** The time at which the operations of one tick are given up. It is set when the tick ends. */
export interface Deadline {
  ms: number;
}

/** The node, slot or connection that an operation must go to. */
export interface Destination {
  /** The node of a cluster, by its address. */
  readonly address?: string | undefined;
  /** The slot of its keys, where `key` does not say it. */
  readonly slot?: number | undefined;
  /** The connection that it must go over. */
  readonly route?: Route | undefined;
}

const byKey: Destination = {};

/** Has operations, until each is settled or goes elsewhere. */
export interface OperationOwner {
  /** Notes that an operation is not here any more. */
  released(operation: Operation): void;
  /** Makes the error of an operation that waited here until its deadline. */
  waitingError(cause: unknown): unknown;
  /** Decides whether one of its operations keeps the process alive. */
  holdProcess(operation: Operation, hold: boolean): void;
}

/** A connection: the one over which the first operation of a route goes, and from then on no other. */
export interface Route {
  link: Link | undefined;
}

/** The error of an operation that was not sent, since the connection of its route is gone. */
export class RouteLostError extends Error {
  override readonly name = "RouteLostError";
}

/** A type of operation: how the server is asked for it, and how its reply is read. */
export interface OperationType {
  readonly writes: boolean;
  /** The store asks it for itself, so no caller waits for it. Default: `false`. */
  readonly isInternal?: boolean;
  /** The most operations that one command takes; 1 where each needs its own. */
  readonly maxPerCommand: number;
  /** Makes the command of one or more operations. */
  toCommand(operations: readonly Operation[]): Command;
  /** Reads the answer to each operation, an `Error` where that one failed. Default: the reply itself answers each. */
  splitReply?(reply: unknown, operations: readonly Operation[]): readonly unknown[];
}

/** A command, a script with its keys and their arguments, or commands that are sent one right after the other. */
export type Command =
  | SingleCommand
  | { readonly script: Script; readonly keys: readonly string[]; readonly args: readonly Argument[] }
  | { readonly commands: readonly SingleCommand[] };

export interface SingleCommand {
  readonly name: string;
  readonly args: readonly Argument[];
}

const never: Deadline = { ms: Number.POSITIVE_INFINITY };
