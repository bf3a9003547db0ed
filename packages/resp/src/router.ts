import { notSent } from "./errors.ts";
import type { Server } from "./server.ts";
import type { Step } from "./step.ts";

/** Where steps go, and what becomes of those that cannot be done there. */
export interface Router {
  /** The servers that there are connections to, or may be. */
  readonly servers: Iterable<Server>;
  /** Hands steps to the servers of their keys, in order, and has them sent. */
  distribute(steps: readonly Step[], nowMs: number): void;
  /** Whether a step that a server has refused goes elsewhere, or there again. */
  redirects(step: Step, error: unknown, server: Server): boolean;
  /** A server cannot be reached: these were not sent. */
  unreached(steps: readonly Step[], cause: unknown, server: Server): void;
  /** A server has not answered. */
  lost(): void;
  /** Is called now and then while anything is awaited. */
  look(): void;
  /** No caller waits any more. */
  idle(): void;
  /** Lets go of the steps that were given up meanwhile. */
  forgetSettled(): void;
  /** Lets go of the client. */
  close(remainingMs: number): Promise<void>;
}

/** For one server that has all keys. */
export class SingleServer implements Router {
  readonly servers: readonly [Server];
  readonly #server: Server;
  readonly #reject: (step: Step, error: unknown) => void;

  constructor(server: Server, reject: (step: Step, error: unknown) => void) {
    this.#server = server;
    this.servers = [server];
    this.#reject = reject;
  }

  distribute(steps: readonly Step[], nowMs: number): void {
    for (const step of steps) this.#server.add(step);
    this.#server.flush(nowMs);
  }

  redirects(): boolean {
    return false;
  }

  unreached(steps: readonly Step[], cause: unknown): void {
    const error = notSent(cause);
    for (const step of steps) this.#reject(step, error);
  }

  lost(): void {}

  look(): void {}

  idle(): void {}

  forgetSettled(): void {}

  close(remainingMs: number): Promise<void> {
    return this.#server.close(remainingMs);
  }
}
