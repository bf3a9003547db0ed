import { type Timer, time } from "@kv/core/driver";
import type { Operation } from "../commands/operation.ts";
import type { Router } from "../connection/router.ts";
import { isWaiting, type Server } from "../connection/server.ts";
import { notSent, redirectionOf } from "../errors/errors.ts";
import { keySlot } from "../keys/key-slot.ts";
import type { ClusterTransport, Transport } from "../transport/transport.ts";
import { Topology } from "./topology.ts";
import { TopologyRefresh } from "./topology-refresh.ts";
import { formatAddress, type NodeView, parseAddress } from "./view.ts";

/** Makes servers and settles operations for a cluster. */
export interface ClusterHost {
  readonly timeoutMs: number;
  /** Makes a server whose connections `open` makes. */
  serverAt(address: string, open: () => Promise<Transport>): Server;
  send(operation: Operation): void;
  reject(operation: Operation, error: unknown): void;
  /** Reads a clock that stands still with the event loop. */
  nowMs(): number;
}

/** After this an operation is tried again that was refused since slots move, or a node is lost. */
const retryDelayMs = 100;
/** After so many redirections in a row an operation waits for `retryDelayMs`: nodes may refer to each other. */
const maxRedirections = 5;

/**
 * Routes operations to the nodes of a cluster, each of which is a `Server`. Only the store repeats what a node has refused, and
 * only until the deadline of its call, so nothing is sent after its caller was told that it failed.
 */
export class Cluster implements Router {
  readonly #transport: ClusterTransport;
  readonly #closesTransport: boolean;
  readonly #host: ClusterHost;
  readonly #servers = new Map<string, Server>();
  readonly #topology = new Topology();
  readonly #refresh: TopologyRefresh;
  /** The topology may be wrong by now. */
  #isStale = false;
  /** Operations that wait for a topology, with the server that could not be reached. */
  #held: { readonly operation: Operation; readonly unreached: Server | undefined }[] = [];
  /** Operations that are tried again a little later. */
  #retries: Operation[] = [];
  #retryTimer: Timer | undefined;
  #isClosed = false;

  constructor(
    { cluster, close }: { readonly cluster: ClusterTransport; readonly close: boolean },
    host: ClusterHost,
  ) {
    this.#transport = cluster;
    this.#closesTransport = close;
    this.#host = host;
    this.#refresh = new TopologyRefresh({
      timeoutMs: host.timeoutMs,
      masters: () => this.#topology.masters,
      nodes: () => this.#topology.addresses.values(),
      isReady: (address) => this.#servers.get(address)?.isReady === true,
      startNodes: () => cluster.startNodes(),
      send: (operation) => host.send(operation),
      apply: (reply, address) => this.#applyTopology(reply, address),
      failed: (cause) => this.#rejectHeld(cause),
    });
  }

  get servers(): Iterable<Server> {
    return this.#servers.values();
  }

  /** The addresses of the nodes that serve slots, as far as is known. */
  get masters(): readonly string[] {
    return this.#topology.masters;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Tells by which address a node is reached. */
  addressOf(node: NodeView): string {
    return this.#topology.addressOf(node);
  }

  distribute(operations: readonly Operation[], nowMs: number): void {
    if (this.#isClosed || this.#transport.closed) {
      this.#rejectClosed(operations);
      return;
    }
    const servers = new Set<Server>();
    const unreached = new Set(this.#held.map((held) => held.unreached));
    for (const operation of operations) {
      const isCall = operation.type.isInternal !== true;
      if (isCall) this.#refresh.hasCallers = true;
      const server = this.#serverOf(operation);
      // Behind those that are held of the same server, to stay in order (S6).
      if (server === undefined || (isCall && unreached.has(server)))
        this.#held.push({ operation, unreached: undefined });
      else {
        server.add(operation);
        servers.add(server);
      }
    }
    for (const server of servers) server.flush(nowMs);
    if (this.#held.length > 0 || this.#isStale) this.#refresh.start();
  }

  redirect(operation: Operation, error: unknown, server: Server): boolean {
    const redirection = redirectionOf(error);
    if (redirection === undefined || operation.destination.address !== undefined || this.#isClosed)
      return false;
    const { code, slot, address } = redirection;
    server.released(operation);
    operation.state = "waiting";
    operation.lastError = error;
    if (code !== "ASK") this.#isStale = true;
    if (code === "CLUSTERDOWN") this.#refresh.start();
    if (address === undefined) {
      this.#retryLater(operation);
      return true;
    }
    const to = this.#serverAt(formatAddress(parseAddress(address, parseAddress(server.address))));
    if (code === "MOVED") this.#topology.setOwner(slot, to.address);
    // A node that refers to itself is not the one that the connection leads to.
    if (to === server) server.demoted();
    operation.redirections += 1;
    if (to === server || operation.redirections > maxRedirections) {
      this.#retryLater(operation);
      return true;
    }
    operation.asking = code === "ASK";
    to.add(operation);
    to.flushLater();
    return true;
  }

  unreachable(operations: readonly Operation[], cause: unknown, server: Server): void {
    const isFresh = !this.#refresh.isRunning && this.#refresh.isFresh;
    const [bound, free] = partition(
      operations,
      ({ destination }) => isFresh || destination.address !== undefined,
    );
    for (const operation of free) {
      server.released(operation);
      operation.lastError = cause;
      this.#held.push({ operation, unreached: server });
    }
    const error = notSent(cause);
    for (const operation of bound) this.#host.reject(operation, error); // one of them may be the refresh's last question
    this.#isStale = true;
    this.#refresh.start();
  }

  suspectChange(): void {
    this.#isStale = true;
  }

  check(): void {
    if (!this.#refresh.hasCallers) return;
    if (this.#refresh.isRunning) this.#refresh.advance();
    else if (this.#held.length > 0 || this.#isAnyServerAwaited) this.#refresh.start();
  }

  noCallersLeft(): void {
    this.#refresh.noCallersLeft();
  }

  forgetSettled(): void {
    this.#held = this.#held.filter(({ operation }) => isWaiting(operation));
    this.#retries = this.#retries.filter(isWaiting);
  }

  async close(remainingMs: number): Promise<void> {
    this.#isClosed = true;
    time.clearTimeout(this.#retryTimer);
    this.#refresh.close();
    await Promise.all(Array.from(this.#servers.values(), (server) => server.close(remainingMs)));
    if (this.#closesTransport) await this.#transport.close(remainingMs);
  }

  get #isAnyServerAwaited(): boolean {
    for (const { isAwaited } of this.#servers.values()) if (isAwaited) return true;
    return false;
  }

  #serverOf({ key, destination }: Operation): Server | undefined {
    if (destination.address !== undefined) return this.#serverAt(destination.address);
    const [anyMaster] = this.#topology.masters;
    if (anyMaster === undefined) return undefined;
    // When nobody serves a slot, any node says so.
    return this.#serverAt(this.#topology.ownerOf(destination.slot ?? keySlot(key)) ?? anyMaster);
  }

  #serverAt(address: string): Server {
    let server = this.#servers.get(address);
    if (server === undefined) {
      server = this.#host.serverAt(address, () => this.#transport.open(parseAddress(address)));
      this.#servers.set(address, server);
    }
    return server;
  }

  #retryLater(operation: Operation): void {
    operation.redirections = 0;
    this.#retries.push(operation);
    this.#retryTimer ??= time.setTimeout(() => {
      this.#retryTimer = undefined;
      const operations = this.#retries.filter(isWaiting);
      this.#retries = [];
      if (!this.#isClosed) this.distribute(operations, this.#host.nowMs());
    }, retryDelayMs);
  }

  /** Takes over what a node has told, and tells whether it could be used. */
  #applyTopology(reply: unknown, address: string): boolean {
    const needed = this.#topology.update(reply, address);
    if (needed === undefined) return false;
    this.#isStale = false;
    this.#refresh.finish();
    this.#retireAllBut(needed);
    this.#redistribute();
    return true;
  }

  #retireAllBut(needed: ReadonlySet<string>): void {
    for (const [address, server] of this.#servers) {
      if (needed.has(address)) continue;
      if (server.isFinished) this.#servers.delete(address);
      else server.retire();
    }
  }

  /** Routes again what was not sent yet. */
  #redistribute(): void {
    const held = this.#held.filter(({ operation }) => isWaiting(operation));
    this.#held = [];
    const operations: Operation[] = [];
    for (const server of this.#servers.values()) operations.push(...server.reclaim());
    for (const { operation, unreached } of held) {
      if (unreached !== undefined && this.#serverOf(operation) === unreached)
        this.#host.reject(operation, notSent(operation.lastError));
      else operations.push(operation);
    }
    operations.sort((one, other) => one.sequence - other.sequence); // S6
    this.distribute(operations, this.#host.nowMs());
  }

  /** Rejects what waits for a topology, since no node tells one: nothing of it was sent. */
  #rejectHeld(cause: unknown): void {
    const held = this.#held;
    this.#held = [];
    for (const { operation } of held) this.#host.reject(operation, notSent(operation.lastError ?? cause));
  }

  /** In a turn of its own: a caller who immediately tries again would starve the event loop. */
  #rejectClosed(operations: readonly Operation[]): void {
    for (const server of this.#servers.values()) server.retire();
    const error = notSent(new Error(this.#isClosed ? "The store was closed." : "The client was closed."));
    time.setImmediate(() => {
      for (const operation of operations) this.#host.reject(operation, error);
    });
  }
}

function partition<T>(items: readonly T[], is: (item: T) => boolean): readonly [those: T[], others: T[]] {
  const those: T[] = [];
  const others: T[] = [];
  for (const item of items) (is(item) ? those : others).push(item);
  return [those, others];
}
