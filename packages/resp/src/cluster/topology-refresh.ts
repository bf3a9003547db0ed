import { StoreError } from "@kv/core";
import { inBackground, time } from "@kv/core/driver";
import { Operation } from "../commands/operation.ts";
import { clusterTopology } from "../commands/operations.ts";
import type { NodeAddress } from "../transport/transport.ts";
import { formatAddress } from "./view.ts";

/** Asks and hears on behalf of a `TopologyRefresh`. */
export interface RefreshHost {
  readonly timeoutMs: number;
  /** The addresses of the nodes that serve slots, as far as is known. */
  masters(): readonly string[];
  /** The addresses of all nodes, as far as is known. */
  nodes(): Iterable<string>;
  /** Tells whether there is a connection to a node. */
  isReady(address: string): boolean;
  /** Resolves the nodes that the client names. */
  startNodes(): Promise<readonly NodeAddress[]>;
  send(operation: Operation): void;
  /** Takes over what a node has told, after calling `finish`; tells whether it could be used. */
  apply(reply: unknown, address: string): boolean;
  /** Hears that no node has told anything that can be used. */
  failed(cause: unknown): void;
}

/** The cluster is asked no more often: a failover takes seconds, and every call that waits for it wants to ask. */
const refreshIntervalMs = 500;

/**
 * Finds out who serves which slots. One node is asked, then others as well while that one is silent or does not know, and the
 * nodes that the client names last: that is one round. Only while callers wait is anybody asked.
 */
export class TopologyRefresh {
  /** Callers wait for an answer of the cluster. */
  hasCallers = false;
  readonly #host: RefreshHost;
  /** The questions that are not answered. */
  readonly #questions = new Set<Operation>();
  /** The nodes that are yet to be asked in this round. */
  #candidates: string[] = [];
  /** The nodes that the client names come last in a round. */
  #startNodes: "not asked" | "resolving" | "asked" = "not asked";
  /** The time at which this round began. */
  #beganMs = Number.NEGATIVE_INFINITY;
  /** The index of the master that comes first in the next round. */
  #rotation = 0;
  #isClosed = false;

  constructor(host: RefreshHost) {
    this.#host = host;
  }

  /** Tells whether an answer is awaited. */
  get isRunning(): boolean {
    const isResolving =
      this.#startNodes === "resolving" && time.monotonicMs() < this.#beganMs + this.#host.timeoutMs;
    return this.#questions.size > 0 || isResolving;
  }

  /** Tells whether the cluster was asked a moment ago, so that another answer would not differ. */
  get isFresh(): boolean {
    return this.#host.masters().length > 0 && time.monotonicMs() < this.#beganMs + refreshIntervalMs;
  }

  /** Begins a round, unless one is running, or was a moment ago. */
  start(): void {
    if (!this.hasCallers) return;
    for (const question of this.#questions) holdProcess(question, true);
    if (this.isRunning || this.isFresh || this.#isClosed) return;
    this.#beginRound();
    this.#askNext();
  }

  /** Asks one more node, since those that were asked are silent. */
  advance(): void {
    const isRoundOver = this.#candidates.length === 0 && this.#startNodes === "asked";
    if (isRoundOver && !this.isFresh) this.#beginRound();
    this.#askNext();
  }

  /** Ends the round: an answer came, and whoever is silent need not answer any more. */
  finish(): void {
    this.#candidates = [];
    for (const question of this.#questions) holdProcess(question, false);
    this.#questions.clear();
  }

  /** Notes that no caller waits any more: questions no longer keep the process alive. */
  noCallersLeft(): void {
    this.hasCallers = false;
    for (const question of this.#questions) holdProcess(question, false);
  }

  /** Asks nobody from now on. */
  close(): void {
    this.#isClosed = true;
    this.#candidates = [];
  }

  /** Those who still owe an answer are not asked once more. */
  #beginRound(): void {
    const owing = new Set(Array.from(this.#questions, ({ destination }) => destination.address));
    this.#beganMs = time.monotonicMs();
    this.#candidates = this.#nodesInOrder().filter((address) => !owing.has(address));
    this.#startNodes = "not asked";
  }

  /** The masters, those with a connection first, and then the others that are known. */
  #nodesInOrder(): string[] {
    const known = this.#host.masters();
    const rotated = [...known.slice(this.#rotation), ...known.slice(0, this.#rotation)];
    this.#rotation = (this.#rotation + 1) % Math.max(rotated.length, 1);
    const isReady = (address: string): boolean => this.#host.isReady(address);
    const masters = [...rotated.filter(isReady), ...rotated.filter((address) => !isReady(address))];
    return Array.from(new Set([...masters, ...this.#host.nodes()]));
  }

  #askNext(cause?: unknown): void {
    const address = this.#isClosed ? undefined : this.#candidates.shift();
    if (address === undefined) {
      if (this.#startNodes === "not asked" && !this.#isClosed) this.#resolveStartNodes();
      else if (cause !== undefined && !this.isRunning) this.#host.failed(cause);
      return;
    }
    const reject = (error: unknown): void => {
      if (this.#questions.delete(question) && this.hasCallers) this.#askNext(error);
    };
    const resolve = (reply: unknown): void => {
      if (this.#questions.has(question) && !this.#host.apply(reply, address)) reject(noTopology(address));
    };
    const question = new Operation(clusterTopology, "", [], resolve, reject, { address });
    this.#questions.add(question);
    this.#host.send(question);
  }

  /** Their names are resolved each time: a cluster may have moved to other addresses. */
  #resolveStartNodes(): void {
    this.#startNodes = "resolving";
    const beganMs = this.#beganMs;
    inBackground(async () => {
      let cause: unknown = new Error("The client names no node of the cluster.");
      let addresses: string[] = [];
      try {
        addresses = (await this.#host.startNodes()).map(formatAddress);
      } catch (error) {
        cause = error;
      }
      if (this.#beganMs !== beganMs) return; // another round has begun
      this.#startNodes = "asked";
      this.#candidates = addresses;
      this.#askNext(cause);
    });
  }
}

function noTopology(address: string): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    `the node at ${address} knows no node that serves keys, and nothing was sent. Check that the cluster was formed.`,
  );
}

/** A question may be in its tick still, with no server. */
function holdProcess(question: Operation, hold: boolean): void {
  if (question.owner === undefined) question.holdsProcess = hold;
  else question.owner.holdProcess(question, hold);
}
