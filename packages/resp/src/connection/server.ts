import { inBackground, time } from "@kv/core/driver";
import { type Command, type Operation, type OperationOwner, RouteLostError } from "../commands/operation.ts";
import { read } from "../commands/operations.ts";
import { ScriptCache } from "../commands/script-cache.ts";
import { isDenied, isRefusal, isUnknownScript, notReached, notSent } from "../errors/errors.ts";
import type { Transport } from "../transport/transport.ts";
import type { TransportSource } from "./client-policy.ts";
import { Coalescer } from "./coalescer.ts";
import { Connection } from "./connection.ts";

/** The most that is sent between two turns of the event loop: some milliseconds of work. */
const maxSliceWeight = 4_096;
/** The most that is sent and not answered. The rest waits here, where it can still be given up as not sent. */
const maxInFlightWeight = 16_384;

/** Hears how the operations of a server end. */
export interface ServerEvents {
  /** It was answered; by an `Error` where it failed within a command that did not. */
  answered(operation: Operation, answer: unknown, server: Server): void;
  /** It was refused, not sent or not answered, as the error says. */
  failed(operation: Operation, error: unknown, server: Server): void;
  /** It has to be sent again: nothing was done. */
  retry(operation: Operation): void;
  /** None of these was sent, since the server cannot be reached. */
  unreachable(operations: readonly Operation[], cause: unknown, server: Server): void;
}

export interface ServerOptions {
  /** The address that its cluster announces; empty where there is no other server. */
  readonly address: string;
  readonly source: TransportSource;
  readonly timeoutMs: number;
  /** Operations on several keys may share a command; not on a cluster, where few keys are of one slot. */
  readonly coalesces: boolean;
  /** Reads a clock that stands still with the event loop. */
  nowMs(): number;
}

/**
 * One server, and the operations that wait for it. The operations of one tick go in one write, coalesced into few commands, or
 * in slices where there are many; those on one key stay in order (S6), since all go through one connection.
 */
export class Server implements OperationOwner {
  readonly address: string;
  readonly #options: ServerOptions;
  readonly #events: ServerEvents;
  readonly #connection: Connection;
  readonly #coalescer = new Coalescer();
  readonly #scripts = new ScriptCache();
  #queue: Operation[] = [];
  #isFlushScheduled = false;
  /** The weight of all that was sent and not answered. */
  #inFlightWeight = 0;
  #isRetired = false;

  constructor(options: ServerOptions, events: ServerEvents) {
    this.address = options.address;
    this.#options = options;
    this.#events = events;
    this.#connection = new Connection(options.source, options.timeoutMs, {
      ready: (nowMs) => this.flush(nowMs),
      failed: (cause) => this.#failWaiting(cause),
    });
  }

  /** Tells whether it can be sent to. */
  get isReady(): boolean {
    return this.#connection.readyTransport !== undefined;
  }

  /** Tells whether operations wait for its connection. */
  get isAwaited(): boolean {
    return this.#queue.length > 0 && !this.isReady;
  }

  get bytesRead(): number {
    return this.#connection.bytesRead;
  }

  get owesAnswer(): boolean {
    return this.#connection.owesAnswer;
  }

  /** Queues an operation, which the next `flush` sends. */
  add(operation: Operation): void {
    operation.owner = this;
    operation.state = "waiting";
    this.#isRetired = false;
    this.#queue.push(operation);
    if (operation.holdsProcess) this.#connection.hold();
  }

  released(operation: Operation): void {
    operation.owner = undefined;
    operation.asking = false;
    if (operation.holdsProcess) this.#connection.unhold();
    if (this.#isRetired) this.#releaseIfFinished();
  }

  holdProcess(operation: Operation, hold: boolean): void {
    if (operation.holdsProcess === hold) return;
    operation.holdsProcess = hold;
    if (!hold) {
      this.#connection.unhold();
      return;
    }
    this.#connection.hold();
    this.flushLater(); // an attempt to connect that nobody waited for was given up
  }

  /** Takes out of the queue the operations that may go to another server: they were not sent. */
  reclaim(): Operation[] {
    const isBound = ({ destination }: Operation): boolean => destination.address !== undefined;
    const operations = this.#queue.filter((operation) => isWaiting(operation) && !isBound(operation));
    this.#queue = this.#queue.filter(isBound);
    for (const operation of operations) this.released(operation);
    return operations;
  }

  /** Sends the queue, or the first slice of it. */
  flush(nowMs: number = this.#options.nowMs()): void {
    if (this.#queue.length === 0 || this.#isFlushScheduled) return;
    const transport = this.#connection.readyTransport;
    if (transport === undefined) {
      this.#connection.awaitReady(nowMs);
      return;
    }
    const room = maxInFlightWeight - this.#inFlightWeight;
    if (room <= 0) return;
    const operations = this.#takeSlice(nowMs, Math.min(room, maxSliceWeight));
    if (this.#queue.length > 0) this.flushLater();
    this.#sendAll(transport, operations);
    if (this.#inFlightWeight > 0) this.#connection.sent(nowMs);
  }

  /** Flushes in the next turn of the event loop. */
  flushLater(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    time.setImmediate(() => this.#nextSlice());
  }

  /** Gives up a connection that has been silent for too long. Operations that wait for it wait for the next. */
  check(nowMs: number): void {
    if (this.#connection.abandonIfSilent(nowMs) && this.#queue.length > 0) this.flushLater();
  }

  /** Notes that it became a replica, and takes no writes any more. */
  demoted(): void {
    this.#connection.demoted();
  }

  /** Drops the operations that were given up meanwhile. */
  forgetSettled(): void {
    this.#queue = this.#queue.filter(isWaiting);
  }

  waitingError(cause: unknown): unknown {
    return this.isReady ? notReached() : notSent(cause);
  }

  /** Tells whether it is retired, and nothing is here any more. */
  get isFinished(): boolean {
    return this.#isRetired && this.#queue.length === 0 && this.#inFlightWeight === 0;
  }

  /** Closes its connection once nothing is here any more, unless more comes. */
  retire(): void {
    this.#isRetired = true;
    this.#releaseIfFinished();
  }

  close(remainingMs: number): Promise<void> {
    return this.#connection.close(remainingMs);
  }

  #releaseIfFinished(): void {
    if (this.isFinished) this.#connection.release();
  }

  #nextSlice(): void {
    this.#isFlushScheduled = false;
    this.flush();
  }

  /** Sends operations in as few commands as possible, and in one write. */
  #sendAll(transport: Transport, operations: readonly Operation[]): void {
    if (operations.length <= 1) {
      this.#sendCommand(transport, operations);
      return;
    }
    const groups = this.#options.coalesces
      ? this.#coalescer.coalesce(operations)
      : operations.map((operation) => [operation]);
    if (groups.length === 1) {
      this.#sendCommand(transport, operations);
      return;
    }
    try {
      transport.inOneWrite(() => {
        for (const group of groups) this.#sendCommand(transport, group);
      });
    } catch (error) {
      const cause = notSent(error);
      for (const operation of operations)
        if (isWaiting(operation)) this.#events.failed(operation, cause, this);
    }
  }

  /** Takes the next slice from the queue, without what is too late: that will be given up as not sent. */
  #takeSlice(nowMs: number, room: number): Operation[] {
    let weight = 0;
    let count = 0;
    for (const operation of this.#queue) {
      weight += operation.weight;
      if (count > 0 && weight > room) break;
      count += 1;
    }
    const whole = count === this.#queue.length;
    const operations = whole ? this.#queue : this.#queue.splice(0, count);
    if (whole) this.#queue = [];
    const isWanted = ({ state, deadline }: Operation): boolean => state === "waiting" && deadline.ms > nowMs;
    return operations.every(isWanted) ? operations : operations.filter(isWanted);
  }

  /** Sends operations of one type in one command. */
  #sendCommand(transport: Transport, operations: readonly Operation[]): void {
    const [first] = operations;
    if (first === undefined) return;
    const { type } = first;
    const { route } = first.destination;
    if (route !== undefined) {
      const { link } = transport;
      if (route.link !== undefined && route.link !== link) {
        this.#events.failed(first, new RouteLostError(), this);
        return;
      }
      route.link = link;
    }
    let weight = 0;
    for (const operation of operations) {
      operation.state = "sent";
      weight += operation.weight;
    }
    this.#inFlightWeight += weight;
    const { asking } = first;
    first.asking = false;
    inBackground(() =>
      this.#execute(transport, type.toCommand(operations), asking).then(
        (reply) => {
          this.#resolveAll(operations, reply);
          this.#commandDone(weight);
        },
        (error: unknown) => {
          this.#rejectAll(transport, operations, error);
          this.#commandDone(weight);
        },
      ),
    );
  }

  #execute(transport: Transport, command: Command, asking: boolean): Promise<unknown> {
    try {
      if (asking) return inOneWrite(transport, () => this.#executeAsking(transport, command));
      if ("name" in command) return transport.send(command.name, command.args);
      if ("script" in command)
        return this.#scripts.run(transport, command.script, command.keys, command.args);
      return inOneWrite(transport, () =>
        Promise.all(command.commands.map(({ name, args }) => transport.send(name, args))),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Asks a node for a key whose slot is moving there, behind ASKING; where ASKING itself is refused, that is the error. */
  async #executeAsking(transport: Transport, command: Command): Promise<unknown> {
    const refusal = transport.send("asking", []).then(
      () => undefined,
      (error: unknown) => error,
    );
    try {
      return await this.#execute(transport, command, false);
    } catch (error) {
      throw isRefusal(error) ? ((await refusal) ?? error) : error;
    }
  }

  #resolveAll(operations: readonly Operation[], reply: unknown): void {
    let answers: readonly unknown[] | undefined;
    const { type } = operations[0] as Operation;
    try {
      answers = type.splitReply?.(reply, operations);
      if (answers !== undefined && !Array.isArray(answers))
        throw new TypeError("The answer to many is not an array.");
    } catch (error) {
      for (const operation of operations) this.#events.failed(operation, error, this); // no server of ours answers like this
      return;
    }
    for (let at = 0; at < operations.length; at += 1) {
      const operation = operations[at] as Operation;
      const answer = answers === undefined ? reply : answers[at];
      if (type === read && operation.state !== "settled") this.#coalescer.observe(answer);
      this.#events.answered(operation, answer, this);
    }
  }

  #rejectAll(transport: Transport, operations: readonly Operation[], error: unknown): void {
    // A batch that was denied as a whole changed nothing; some of it may be allowed alone.
    const isSplit = operations.length > 1 && isDenied(error);
    const isUnknown = isUnknownScript(error);
    if (isUnknown) this.#scripts.forget(transport);
    for (const operation of operations) {
      operation.unbatched ||= isSplit;
      if (isSplit || isUnknown) this.#events.retry(operation);
      else this.#events.failed(operation, error, this);
    }
  }

  /** Makes room for others, now that a command is over. */
  #commandDone(weight: number): void {
    this.#inFlightWeight -= weight;
    if (this.#inFlightWeight === 0) this.#connection.drained();
    if (this.#queue.length > 0) this.flushLater();
    if (this.#isRetired) this.#releaseIfFinished();
  }

  /** Fails what waits for a connection, since there is none: nothing of it was sent. */
  #failWaiting(cause: unknown): void {
    const waiting = this.#queue.filter(isWaiting);
    this.#queue = [];
    if (waiting.length > 0) this.#events.unreachable(waiting, cause, this);
  }
}

function inOneWrite<T>(transport: Transport, write: () => T): T {
  let written: { readonly result: T } | undefined;
  transport.inOneWrite(() => {
    written = { result: write() };
  });
  return (written as unknown as { readonly result: T }).result;
}

/** Tells whether an operation is yet to be sent. */
export function isWaiting(operation: Operation): boolean {
  return operation.state === "waiting";
}
