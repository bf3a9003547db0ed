import { isStoreError } from "@kv/core";
import { time } from "@kv/core/driver";
import { Cluster } from "../cluster/cluster.ts";
import {
  type Deadline,
  type Destination,
  Operation,
  type OperationType,
  RouteLostError,
} from "../commands/operation.ts";
import type { TransportSource } from "../connection/client-policy.ts";
import { type Router, SingleServer } from "../connection/router.ts";
import { Server, type ServerEvents } from "../connection/server.ts";
import {
  isDemotion,
  isNotSent,
  isRefusal,
  needsWholeCluster,
  notSent,
  redirectionOf,
  refused,
  unanswered,
} from "../errors/errors.ts";
import type { Argument, ClusterTransport } from "../transport/transport.ts";
import { DeadlineQueue } from "./deadline-queue.ts";

/** The way to a server, or to a cluster. */
export type PipelineSource =
  | TransportSource
  | { readonly cluster: ClusterTransport; readonly close: boolean };

/**
 * Sends operations, those of one tick together, and settles each within `timeout`. A write is sent once, and again only
 * where it was refused; a read is sent at most twice, and again where it was refused.
 */
export class Pipeline {
  /** The cluster, where the servers are one. */
  readonly cluster: Cluster | undefined;
  readonly #timeoutMs: number;
  readonly #deadlineQueue: DeadlineQueue;
  readonly #router: Router;
  #tick: Operation[] = [];
  #isScheduled = false;
  /** The deadline of the operations of this tick. */
  #deadline: Deadline | undefined;
  /** The number of operations that have been sent. */
  #sequence = 0;
  /** The number of operations that callers wait for. */
  #callersWaiting = 0;

  constructor(source: PipelineSource, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#deadlineQueue = new DeadlineQueue(timeoutMs, {
      bytesRead: () => this.#sumOver(({ bytesRead }) => bytesRead),
      expire: (operations) => this.#expire(operations),
      owesAnswer: () => this.#anyOf(({ owesAnswer }) => owesAnswer),
      check: (nowMs) => this.#check(nowMs),
    });
    const events: ServerEvents = {
      answered: this.#onAnswered,
      failed: this.#onFailed,
      retry: (operation) => this.#retry(operation),
      unreachable: (operations, cause, server) => this.#router.unreachable(operations, cause, server),
    };
    const nowMs = (): number => this.#deadlineQueue.nowMs();
    const reject = (operation: Operation, error: unknown): void => this.#reject(operation, error);
    if ("cluster" in source) {
      this.cluster = new Cluster(source, {
        serverAt: (address, open) =>
          new Server({ address, source: { open }, timeoutMs, coalesces: false, nowMs }, events),
        send: (operation) => this.send(operation),
        reject,
        nowMs,
        timeoutMs,
      });
      this.#router = this.cluster;
    } else {
      const server = new Server({ address: "", source, timeoutMs, coalesces: true, nowMs }, events);
      this.#router = new SingleServer(server, reject);
    }
  }

  /** Sends an operation together with all others of this tick. */
  send(operation: Operation): void {
    if (operation.type.isInternal !== true) this.#callersWaiting += 1;
    this.#sequence += 1;
    operation.sequence = this.#sequence;
    this.#deadline ??= { ms: Number.POSITIVE_INFINITY };
    operation.deadline = this.#deadline;
    this.#deadlineQueue.add(operation);
    this.#enqueue(operation);
  }

  /** Sends an operation, and resolves with its answer. */
  request(
    type: OperationType,
    key: string = "",
    values: readonly Argument[] = [],
    destination?: Destination,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.send(new Operation(type, key, values, resolve, reject, destination));
    });
  }

  /** Closes the connections, and settles every operation that is left. */
  async close(remainingMs: number): Promise<void> {
    const closed = this.#router.close(remainingMs);
    this.#deadlineQueue.expireAll();
    await closed;
  }

  #enqueue(operation: Operation): void {
    this.#tick.push(operation);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    time.nextTick(this.#sendTick);
  }

  readonly #sendTick = (): void => {
    this.#isScheduled = false;
    const nowMs = this.#deadlineQueue.nowMs();
    if (this.#deadline !== undefined) this.#deadline.ms = nowMs + this.#timeoutMs;
    this.#deadline = undefined;
    const operations = this.#tick;
    this.#tick = [];
    this.#router.distribute(operations, nowMs);
  };

  readonly #onAnswered = (operation: Operation, answer: unknown, server: Server): void => {
    if (operation.state === "settled") return;
    if (answer instanceof Error) {
      if (isDemotion(answer)) server.demoted();
      this.#reject(operation, answer);
      return;
    }
    this.#settle(operation);
    try {
      operation.resolve(answer);
    } catch (error) {
      operation.reject(unanswered(operation.type.writes, error)); // no server of ours answers like this
    }
  };

  readonly #onFailed = (operation: Operation, error: unknown, server: Server): void => {
    if (operation.state === "settled") return;
    if (error instanceof RouteLostError || isStoreError(error)) this.#reject(operation, error);
    else if (isRefusal(error)) this.#onRefused(operation, error, server);
    else if (isNotSent(error)) this.#reject(operation, notSent(error));
    else this.#onUnanswered(operation, error);
  };

  #onRefused(operation: Operation, error: unknown, server: Server): void {
    if (isDemotion(error)) server.demoted();
    if (this.#router.redirect?.(operation, error, server) === true) return;
    const isLost = this.cluster === undefined && redirectionOf(error)?.address !== undefined;
    this.#reject(operation, isLost ? needsWholeCluster(error) : refused(error));
  }

  #onUnanswered(operation: Operation, error: unknown): void {
    this.#router.suspectChange?.();
    if (operation.retryable) {
      operation.retryable = false;
      this.#retry(operation);
    } else this.#reject(operation, unanswered(operation.type.writes, error));
  }

  #retry(operation: Operation): void {
    if (operation.state === "settled") return;
    operation.owner?.released(operation);
    operation.state = "waiting";
    this.#enqueue(operation);
  }

  #check(nowMs: number): void {
    for (const server of this.#router.servers) server.check(nowMs);
    this.#router.check?.();
  }

  #expire(operations: readonly Operation[]): void {
    const errors = new Map<unknown, unknown>(); // an error costs more than a call
    for (const operation of operations) {
      const key = timeoutErrorKey(operation);
      if (!errors.has(key)) errors.set(key, timeoutError(operation));
      this.#reject(operation, errors.get(key));
    }
    for (const server of this.#router.servers) server.forgetSettled();
    this.#router.forgetSettled?.();
    this.#router.suspectChange?.();
  }

  #reject(operation: Operation, error: unknown): void {
    if (operation.state === "settled") return;
    this.#settle(operation);
    operation.reject(error);
  }

  #settle(operation: Operation): void {
    operation.state = "settled";
    this.#deadlineQueue.remove(operation);
    operation.owner?.released(operation);
    if (operation.type.isInternal !== true) this.#callersWaiting -= 1;
    if (this.#callersWaiting === 0) this.#router.noCallersLeft?.();
    operation.onSettled?.();
  }

  #sumOver(figure: (server: Server) => number): number {
    let sum = 0;
    for (const server of this.#router.servers) sum += figure(server);
    return sum;
  }

  #anyOf(is: (server: Server) => boolean): boolean {
    for (const server of this.#router.servers) if (is(server)) return true;
    return false;
  }
}

/** Operations with the same key are given up with the same error. */
function timeoutErrorKey({ state, type, lastError, owner }: Operation): unknown {
  return state === "sent" ? type.writes : (owner ?? lastError);
}

/** The error of an operation that was not answered in time. */
function timeoutError({ state, type, lastError, owner }: Operation): unknown {
  const cause = new Error("There was no answer in time.");
  if (state === "sent") return unanswered(type.writes, cause);
  return owner === undefined ? notSent(lastError ?? cause) : owner.waitingError(cause);
}
