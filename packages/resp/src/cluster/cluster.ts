import { StoreError } from "@kv/core";
import { guarded, inBackground } from "@kv/core/driver";
import { notSent, redirectionOf } from "../errors.ts";
import { clusterMap } from "../kinds.ts";
import type { Router } from "../router.ts";
import { isWaiting, type Server } from "../server.ts";
import { Step } from "../step.ts";
import type { ClusterTransport, Transport } from "../transport.ts";
import { keySlot, slotCount } from "./key-slot.ts";
import { formatAddress, type NodeView, parseAddress, parseNodes, parseSlots } from "./view.ts";

/** What a cluster needs of the sender. */
export interface ClusterHost {
  /** Makes a server whose connections `open` makes. */
  serverAt(address: string, open: () => Promise<Transport>): Server;
  send(step: Step): void;
  reject(step: Step, error: unknown): void;
  nowMs(): number;
  readonly timeoutMs: number;
}

/** What was refused, since slots move or a node is lost, is tried again after so long. */
const repeatAfterMs = 100;
/** The cluster is asked no more often who serves what: a failover takes seconds, and all who wait for it ask. */
const askPauseMs = 500;
/** After so many redirections in a row a step waits, like one that was refused: nodes may refer to each other. */
const mostRedirections = 5;

/**
 * A cluster: which node serves which slot, and a server for each node that is needed. Only the store repeats what a node
 * has refused, and only until the deadline of its call, so nothing is sent of which the caller was told that it failed.
 */
export class Cluster implements Router {
  readonly #transport: ClusterTransport;
  readonly #closesTransport: boolean;
  readonly #host: ClusterHost;
  readonly #servers = new Map<string, Server>();
  /** The address of the node that serves a slot; `undefined` where none does, as far as is known. */
  readonly #owners: (string | undefined)[] = Array.from({ length: slotCount });
  /** The addresses of those who serve slots. */
  #masters: readonly string[] = [];
  /** By which address a node is reached, by its id. */
  #addresses: ReadonlyMap<string, string> = new Map();
  /** Whether nodes are reached by their names: a certificate may hold for nothing else. */
  #usesNames = false;
  /** Steps that wait until it is known who serves their slot, with the server that could not be reached. */
  #held: { readonly step: Step; readonly unreached: Server | undefined }[] = [];
  /** Steps that are tried again a little later. */
  #repeats: Step[] = [];
  #repeatTimer: ReturnType<typeof setTimeout> | undefined;
  /** Who is asked now who serves what. */
  readonly #asked = new Set<Step>();
  /** Who is yet to be asked, where those are silent or do not know. */
  #candidates: string[] = [];
  /** After all others the nodes are asked that the client names. */
  #startNodes: "not asked" | "resolving" | "asked" = "not asked";
  #askedMs = Number.NEGATIVE_INFINITY;
  /** Who was asked first lately. */
  #turn = 0;
  /** Whether anybody waits for an answer: without that nobody else is asked. */
  #hasCallers = false;
  /** Whether what is known may be wrong by now. */
  #isStale = false;
  #isClosed = false;

  constructor(
    { cluster, close }: { readonly cluster: ClusterTransport; readonly close: boolean },
    host: ClusterHost,
  ) {
    this.#transport = cluster;
    this.#closesTransport = close;
    this.#host = host;
  }

  get servers(): Iterable<Server> {
    return this.#servers.values();
  }

  /** The addresses of the nodes that serve slots, as far as is known. */
  get masters(): readonly string[] {
    return this.#masters;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** By which address a node is reached; that of one without slots is told to nodes only. */
  addressOf({ id, address, namedAddress }: NodeView): string {
    return this.#addresses.get(id) ?? (this.#usesNames ? namedAddress : undefined) ?? address;
  }

  distribute(steps: readonly Step[], nowMs: number): void {
    if (this.#isClosed || this.#transport.closed) {
      this.#rejectClosed(steps);
      return;
    }
    const servers = new Set<Server>();
    const unreached = new Set(this.#held.map((held) => held.unreached));
    for (const step of steps) {
      const isCall = step.kind.isQuestion !== true;
      if (isCall) this.#hasCallers = true;
      const server = this.#serverOf(step);
      // Behind what is held of the same server, to stay in order (S6).
      if (server === undefined || (isCall && unreached.has(server)))
        this.#held.push({ step, unreached: undefined });
      else {
        server.add(step);
        servers.add(server);
      }
    }
    for (const server of servers) server.flush(nowMs);
    if (this.#held.length > 0 || this.#isStale) this.#ask();
  }

  redirects(step: Step, error: unknown, server: Server): boolean {
    const redirection = redirectionOf(error);
    if (redirection === undefined || step.destination.address !== undefined || this.#isClosed) return false;
    const { code, slot, address } = redirection;
    server.released(step);
    step.state = "waiting";
    step.reason = error;
    if (code !== "ASK") this.#isStale = true;
    if (code === "CLUSTERDOWN") this.#ask();
    if (address === undefined) {
      this.#repeatLater(step);
      return true;
    }
    const to = this.#serverAt(formatAddress(parseAddress(address, parseAddress(server.address))));
    if (code === "MOVED") this.#owners[slot] = to.address;
    // A node that refers to itself is not the one that the connection leads to.
    if (to === server) server.demoted();
    step.redirections += 1;
    if (to === server || step.redirections > mostRedirections) {
      this.#repeatLater(step);
      return true;
    }
    step.asking = code === "ASK";
    to.add(step);
    to.flushLater();
    return true;
  }

  unreached(steps: readonly Step[], cause: unknown, server: Server): void {
    const isFresh = !this.#isAsking && this.#isFresh;
    const [bound, free] = partition(steps, ({ destination }) => isFresh || destination.address !== undefined);
    for (const step of free) {
      server.released(step);
      step.reason = cause;
      this.#held.push({ step, unreached: server });
    }
    const error = notSent(cause);
    for (const step of bound) this.#host.reject(step, error); // a question among them may have been the last
    this.#isStale = true;
    this.#ask();
  }

  lost(): void {
    this.#isStale = true;
  }

  look(): void {
    if (!this.#hasCallers) return;
    if (this.#isAsking) {
      const isRoundOver = this.#candidates.length === 0 && this.#startNodes === "asked";
      if (isRoundOver && !this.#isFresh) this.#beginRound();
      this.#askNext();
    } else if (this.#held.length > 0 || this.#isAnyServerAwaited) this.#ask();
  }

  idle(): void {
    this.#hasCallers = false;
    for (const step of this.#asked) holdProcess(step, false);
  }

  forgetSettled(): void {
    this.#held = this.#held.filter(({ step }) => isWaiting(step));
    this.#repeats = this.#repeats.filter(isWaiting);
  }

  async close(remainingMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#repeatTimer);
    this.#candidates = [];
    await Promise.all(Array.from(this.#servers.values(), (server) => server.close(remainingMs)));
    if (this.#closesTransport) await this.#transport.close(remainingMs);
  }

  get #isAnyServerAwaited(): boolean {
    for (const { isAwaited } of this.#servers.values()) if (isAwaited) return true;
    return false;
  }

  #serverOf({ key, destination }: Step): Server | undefined {
    if (destination.address !== undefined) return this.#serverAt(destination.address);
    const [anyMaster] = this.#masters;
    if (anyMaster === undefined) return undefined;
    // Of a slot that nobody serves any node says so.
    return this.#serverAt(this.#owners[destination.slot ?? keySlot(key)] ?? anyMaster);
  }

  #serverAt(address: string): Server {
    let server = this.#servers.get(address);
    if (server === undefined) {
      server = this.#host.serverAt(address, () => this.#transport.open(parseAddress(address)));
      this.#servers.set(address, server);
    }
    return server;
  }

  #repeatLater(step: Step): void {
    step.redirections = 0;
    this.#repeats.push(step);
    this.#repeatTimer ??= setTimeout(
      guarded(() => {
        this.#repeatTimer = undefined;
        const steps = this.#repeats.filter(isWaiting);
        this.#repeats = [];
        if (!this.#isClosed) this.distribute(steps, this.#host.nowMs());
      }),
      repeatAfterMs,
    );
  }

  get #isAsking(): boolean {
    const isResolving =
      this.#startNodes === "resolving" && performance.now() < this.#askedMs + this.#host.timeoutMs;
    return this.#asked.size > 0 || isResolving;
  }

  /** Whether the cluster was asked a moment ago, so that another answer would not differ. */
  get #isFresh(): boolean {
    return this.#masters.length > 0 && performance.now() < this.#askedMs + askPauseMs;
  }

  /** Asks the cluster who serves what: one node, then others as well while that is silent or does not know. */
  #ask(): void {
    if (!this.#hasCallers) return;
    for (const step of this.#asked) holdProcess(step, true);
    if (this.#isAsking || this.#isFresh || this.#isClosed) return;
    this.#beginRound();
    this.#askNext();
  }

  /** Those who still owe an answer are not asked once more. */
  #beginRound(): void {
    const owing = new Set(Array.from(this.#asked, ({ destination }) => destination.address));
    this.#askedMs = performance.now();
    this.#candidates = this.#nodesInTurn().filter((address) => !owing.has(address));
    this.#startNodes = "not asked";
  }

  /** The masters, those with a connection first, and then the others that are known. */
  #nodesInTurn(): string[] {
    const isReady = (address: string): boolean => this.#servers.get(address)?.isReady === true;
    const inTurn = [...this.#masters.slice(this.#turn), ...this.#masters.slice(0, this.#turn)];
    this.#turn = (this.#turn + 1) % Math.max(inTurn.length, 1);
    const masters = [...inTurn.filter(isReady), ...inTurn.filter((address) => !isReady(address))];
    return Array.from(new Set([...masters, ...this.#addresses.values()]));
  }

  #askNext(cause?: unknown): void {
    const address = this.#isClosed ? undefined : this.#candidates.shift();
    if (address === undefined) {
      if (this.#startNodes === "not asked" && !this.#isClosed) this.#askStartNodes();
      else if (cause !== undefined && !this.#isAsking) this.#knowsNothing(cause);
      return;
    }
    const failed = (error: unknown): void => {
      if (this.#asked.delete(step) && this.#hasCallers) this.#askNext(error);
    };
    const answered = (reply: unknown): void => {
      if (this.#asked.has(step) && !this.#learn(reply, address)) failed(knowsNobody(address));
    };
    const step = new Step(clusterMap, "", [], answered, failed, { address });
    this.#asked.add(step);
    this.#host.send(step);
  }

  /** Their names are resolved each time: a cluster may have moved to other addresses. */
  #askStartNodes(): void {
    this.#startNodes = "resolving";
    const askedMs = this.#askedMs;
    inBackground(async () => {
      let cause: unknown = new Error("The client names no node of the cluster.");
      let addresses: string[] = [];
      try {
        addresses = (await this.#transport.startNodes()).map(formatAddress);
      } catch (error) {
        cause = error;
      }
      if (this.#askedMs !== askedMs) return; // the cluster was asked again meanwhile
      this.#startNodes = "asked";
      this.#candidates = addresses;
      this.#askNext(cause);
    });
  }

  /** Takes over what a node has told, and says whether that can be used. */
  #learn(reply: unknown, address: string): boolean {
    const asked = parseAddress(address);
    const [slotsReply, nodesReply] = reply as readonly [slots: unknown, nodes: unknown];
    const { nodes } = parseNodes(String(nodesReply));
    const { ranges, addresses } = parseSlots(slotsReply, asked, nodes);
    if (ranges.length === 0) return false;
    this.#owners.fill(undefined);
    for (const { slots, address: owner } of ranges) this.#owners.fill(owner, slots[0], slots[1] + 1);
    this.#masters = Array.from(new Set(ranges.map(({ address: owner }) => owner)));
    this.#addresses = addresses;
    this.#usesNames = nodes.some(
      ({ id, namedAddress: name }) => name !== undefined && addresses.get(id) === name,
    );
    const masters = nodes.filter(({ isMaster }) => isMaster);
    const needed = new Set([...this.#masters, ...masters.map((node) => this.addressOf(node))]);
    this.#isStale = false;
    this.#candidates = [];
    for (const step of this.#asked) holdProcess(step, false); // whoever is silent need not answer any more
    this.#asked.clear();
    this.#letGoOfAllBut(needed);
    this.#spreadAnew();
    return true;
  }

  #letGoOfAllBut(needed: ReadonlySet<string>): void {
    for (const [address, server] of this.#servers) {
      if (needed.has(address)) continue;
      if (server.isResting) this.#servers.delete(address);
      else server.retire();
    }
  }

  /** Hands out anew what was not sent yet. */
  #spreadAnew(): void {
    const held = this.#held.filter(({ step }) => isWaiting(step));
    this.#held = [];
    const steps: Step[] = [];
    for (const server of this.#servers.values()) steps.push(...server.takeBack());
    for (const { step, unreached } of held) {
      if (unreached !== undefined && this.#serverOf(step) === unreached)
        this.#host.reject(step, notSent(step.reason));
      else steps.push(step);
    }
    steps.sort((one, other) => one.sequence - other.sequence); // S6
    this.distribute(steps, this.#host.nowMs());
  }

  /** Nobody tells who serves what: nothing that waits for it was sent. */
  #knowsNothing(cause: unknown): void {
    const held = this.#held;
    this.#held = [];
    for (const { step } of held) this.#host.reject(step, notSent(step.reason ?? cause));
  }

  /** In a turn of its own: a caller who tries again at once would keep the event loop from its turns. */
  #rejectClosed(steps: readonly Step[]): void {
    for (const server of this.#servers.values()) server.retire();
    const error = notSent(new Error(this.#isClosed ? "The store was closed." : "The client was closed."));
    setImmediate(
      guarded(() => {
        for (const step of steps) this.#host.reject(step, error);
      }),
    );
  }
}

function knowsNobody(address: string): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    `the node at ${address} knows of none that serves keys, and nothing was sent. Check that the cluster was formed.`,
  );
}

function partition<T>(items: readonly T[], is: (item: T) => boolean): readonly [those: T[], others: T[]] {
  const those: T[] = [];
  const others: T[] = [];
  for (const item of items) (is(item) ? those : others).push(item);
  return [those, others];
}

/** A step may be in its tick still, with no server. */
function holdProcess(step: Step, hold: boolean): void {
  if (step.holder === undefined) step.holdsProcess = hold;
  else step.holder.holdProcess(step, hold);
}
