import type { Operation } from "../commands/operation.ts";
import { notSent } from "../errors/errors.ts";
import type { Server } from "./server.ts";

/** Decides which server gets an operation, and what happens to one that cannot be done there. */
export interface Router {
  /** The servers that there are connections to, or may be. */
  readonly servers: Iterable<Server>;

  /** Adds operations to the servers of their keys, in order, and flushes these. */
  distribute(operations: readonly Operation[], nowMs: number): void;

  /** Decides what happens to operations that were not sent, since their server cannot be reached. */
  unreachable(operations: readonly Operation[], cause: unknown, server: Server): void;

  /** Closes the connections, and the client where it is the store's. */
  close(remainingMs: number): Promise<void>;

  /** Sends an operation that a server has refused elsewhere, or there again; tells whether it does. Default: never. */
  redirect?(operation: Operation, error: unknown, server: Server): boolean;

  /** Notes that a server has not answered, so that what is known of the servers may be wrong by now. */
  suspectChange?(): void;

  /** Checks the servers: called now and then while any operation waits. */
  check?(): void;

  /** Notes that no caller waits any more. */
  noCallersLeft?(): void;

  /** Drops the operations that were given up. */
  forgetSettled?(): void;
}

/** Routes to the one server that has all keys. */
export class SingleServer implements Router {
  readonly servers: readonly [Server];
  readonly #server: Server;
  readonly #reject: (operation: Operation, error: unknown) => void;

  constructor(server: Server, reject: (operation: Operation, error: unknown) => void) {
    this.#server = server;
    this.servers = [server];
    this.#reject = reject;
  }

  distribute(operations: readonly Operation[], nowMs: number): void {
    for (const operation of operations) this.#server.add(operation);
    this.#server.flush(nowMs);
  }

  unreachable(operations: readonly Operation[], cause: unknown): void {
    const error = notSent(cause);
    for (const operation of operations) this.#reject(operation, error);
  }

  close(remainingMs: number): Promise<void> {
    return this.#server.close(remainingMs);
  }
}
