import type { Link, Transport } from "../transport/transport.ts";

/** The source of the clients of a connection. */
export type TransportSource =
  | {
      /** Makes a client for one connection, not yet connected, at the first call that needs one (L4). */
      readonly open: () => Promise<Transport>;
    }
  | {
      /** A client that was passed in. */
      readonly transport: Transport;
      /** Closing the store closes the client, too. */
      readonly close: boolean;
    };

/** The rights and duties of a connection towards its client. */
export interface ClientPolicy {
  /** The time from a failed attempt to connect to the next one. */
  readonly reconnectDelayMs: number;
  /** A handshake owes the store an answer, so its silence is watched, even when no call waits for it any more. */
  readonly owesHandshake: boolean;
  /** Ends the use of a client: its connection is lost or given up, or not needed any more. */
  discard(transport: Transport | undefined): void;
  /** Ends a connection that was silent for too long. */
  interrupt(link: Link | undefined): void;
  /** Decides whether the client keeps the process alive. */
  holdProcess(transport: Transport | undefined, hold: boolean): void;
  /** Closes the client with the store. */
  close(remainingMs: number): Promise<void>;
}

/** Chooses the policy for a source. */
export function clientPolicy(source: TransportSource): ManagedClients | BorrowedClient {
  return "open" in source
    ? new ManagedClients(source.open)
    : new BorrowedClient(source.transport, source.close);
}

/** The policy for clients that the store makes, one for each connection: nothing else uses them, and they die with it. */
export class ManagedClients implements ClientPolicy {
  readonly reconnectDelayMs = 100;
  readonly owesHandshake = true;
  readonly open: () => Promise<Transport>;

  constructor(open: () => Promise<Transport>) {
    this.open = open;
  }

  discard(transport: Transport | undefined): void {
    transport?.destroy();
  }

  interrupt(): void {} // it was discarded

  holdProcess(transport: Transport | undefined, hold: boolean): void {
    transport?.holdProcess(hold);
  }

  async close(): Promise<void> {}
}

/** The policy for a client that was passed in: others may use it, and it connects by its own rules. */
export class BorrowedClient implements ClientPolicy {
  readonly reconnectDelayMs = 0;
  readonly owesHandshake = false;
  readonly transport: Transport;
  readonly #closesWithStore: boolean;

  constructor(transport: Transport, closesWithStore: boolean) {
    this.transport = transport;
    this.#closesWithStore = closesWithStore;
  }

  discard(): void {}

  interrupt(link: Link | undefined): void {
    link?.destroy(); // the client connects again
  }

  holdProcess(): void {}

  async close(remainingMs: number): Promise<void> {
    if (this.#closesWithStore) await this.transport.close(remainingMs);
  }
}
