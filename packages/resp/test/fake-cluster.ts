import { Buffer } from "node:buffer";
import type { Argument, ClusterTransport, NodeAddress } from "@kv/resp";
import { keySlot, slotCount } from "../src/keys/key-slot.ts";
import { FakeTransport } from "./fake-transport.ts";

/** How many keys one SCAN looks at. */
const keysPerPage = 3;

/** A command that has reached a node. */
export interface Delivered {
  readonly node: FakeNode;
  readonly name: string;
  readonly args: readonly string[];
  /** `done`, or the code of a refusal; `undefined` until it is carried out. */
  outcome: string | undefined;
  /** Its place among all that were carried out. */
  turn: number;
}

/** Commands that were written in one piece, and are carried out in one piece, as servers do. */
interface Piece {
  readonly connection: FakeConnection;
  readonly commands: Command[];
}

interface Command {
  readonly delivered: Delivered;
  readonly args: readonly Argument[];
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A cluster without a network and without a clock. Each node knows by itself who serves what, by epochs as real ones do,
 * and hears only what the test lets it hear. Each piece that was written is carried out in a turn of the event loop of its
 * own; before it, `beforeTurn` may change whatever it likes.
 */
export class FakeCluster implements ClusterTransport {
  readonly address = "a cluster without a network";
  closed = false;
  /** The masters to begin with, and then their replicas. */
  readonly nodes: readonly FakeNode[];
  /** The nodes that a client is given. */
  start: readonly FakeNode[];
  /** All that has ever reached a node. */
  readonly delivered: Delivered[] = [];
  readonly connections: FakeConnection[] = [];
  /** The highest epoch there is. */
  epoch: number;
  beforeTurn: () => void = () => {};
  /** Picks the connection that has its turn. Default: the one that waits longest. */
  pick: (count: number) => number = () => 0;
  /** Other pieces may come between the commands of a piece. */
  isTorn = false;
  /** The number of commands that were carried out. */
  turns = 0;
  #waiting: Piece[] = [];
  #isScheduled = false;

  constructor({ masters = 3, replicas = 0 }: { masters?: number; replicas?: number } = {}) {
    this.epoch = masters;
    this.nodes = Array.from({ length: masters * (1 + replicas) }, (_, at) => new FakeNode(this, at));
    this.start = this.nodes.slice(0, masters);
    for (const [at, master] of this.start.entries()) {
      const ofMaster = this.nodes.filter((_, other) => other >= masters && other % masters === at);
      for (const replica of ofMaster) replica.keys = master.keys;
      for (const node of this.nodes) {
        node.owners.fill(
          master,
          Math.ceil((slotCount * at) / masters),
          Math.ceil((slotCount * (at + 1)) / masters),
        );
        node.epochs.set(master, at + 1);
        for (const replica of ofMaster) node.masters.set(replica, master);
      }
    }
  }

  /** Has connections take turns in this order, over and over. */
  takeTurns(order: readonly number[]): void {
    let turn = 0;
    this.pick = () => {
      turn += 1;
      return order[turn % order.length] as number;
    };
  }

  async startNodes(): Promise<readonly NodeAddress[]> {
    return this.start;
  }

  async open({ host, port }: NodeAddress): Promise<FakeTransport> {
    const node = this.nodes.find((one) => one.host === host && one.port === port);
    if (node === undefined) throw new Error(`There is no ${host}:${port}.`);
    return this.connect(node);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Makes a client to one node. */
  connect(node: FakeNode): FakeTransport {
    const connection = new FakeConnection(this, node);
    this.connections.push(connection);
    return connection.transport;
  }

  /** The node that serves a slot, by right: of all that say so themselves the one with the highest epoch. */
  ownerOf(slot: number): FakeNode | undefined {
    const claiming = this.nodes.filter((node) => node.owners[slot] === node);
    return claiming.toSorted((one, other) => other.epochOf(other) - one.epochOf(one))[0];
  }

  /** The node where a client that follows every redirection finds a key. */
  holderOf(key: string): FakeNode | undefined {
    const slot = keySlot(key);
    const owner = this.ownerOf(slot);
    return [owner, owner?.migrating.get(slot)].find((node) => node?.keys.has(key));
  }

  /** All keys that a client finds. */
  keys(): string[] {
    const all = new Set(this.nodes.flatMap(({ keys }) => Array.from(keys.keys())));
    return Array.from(all).filter((key) => this.holderOf(key) !== undefined);
  }

  /** Stores a key where it belongs, as another client would. */
  put(key: string, value = "1"): void {
    const slot = keySlot(key);
    const owner = this.ownerOf(slot);
    const target = owner?.keys.has(key) === true ? undefined : owner?.migrating.get(slot);
    (target ?? owner)?.keys.set(key, Buffer.from(value));
  }

  /** A key of a store that begins at `KV`, which this node serves. */
  keyAt(node: FakeNode): string {
    for (let at = 0; ; at += 1) if (this.ownerOf(keySlot(`KV:${at}`)) === node) return String(at);
  }

  /** Lets something happen as soon as such a command has come so far. Resolves then. */
  once(is: (command: Delivered) => boolean, happens: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.beforeTurn = () => {
        if (!this.delivered.some(is)) return;
        this.beforeTurn = () => {};
        happens();
        resolve();
      };
    });
  }

  /** All nodes hear of each other. */
  settle(): void {
    for (const other of this.nodes) {
      const served = other.served();
      for (const node of this.nodes) node.hear(other, served);
    }
  }

  /** Takes what was written in one piece. */
  receive(piece: Piece): void {
    this.#waiting.push(piece);
    this.schedule();
  }

  /** Forgets what has not been read from a connection. */
  drop(connection: FakeConnection): void {
    this.#waiting = this.#waiting.filter((piece) => piece.connection !== connection);
  }

  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#takeTurn();
    });
  }

  #takeTurn(): void {
    if (this.#waiting.every(({ connection }) => connection.node.manner !== "serves")) return;
    this.beforeTurn();
    const ready = this.#ready();
    const piece = ready[this.pick(ready.length) % ready.length];
    if (piece !== undefined) {
      const commands = this.isTorn ? piece.commands.splice(0, 1) : piece.commands.splice(0);
      if (piece.commands.length === 0) this.#waiting.splice(this.#waiting.indexOf(piece), 1);
      for (const command of commands) {
        this.turns += 1;
        command.delivered.turn = this.turns;
        piece.connection.node.carryOut(command, piece.connection);
      }
    }
    if (this.#waiting.length > 0) this.schedule();
  }

  /** The first piece of each connection, where its node can carry it out. */
  #ready(): Piece[] {
    const seen = new Set<FakeConnection>();
    return this.#waiting.filter(({ connection, commands }) => {
      if (seen.has(connection)) return false;
      seen.add(connection);
      return connection.node.canCarryOut(commands.map(({ delivered }) => delivered));
    });
  }
}

/** A client to one node of a fake cluster. */
export class FakeConnection {
  readonly node: FakeNode;
  readonly transport: FakeTransport;
  /** It keeps the process alive. */
  holdsProcess = false;
  asking = false;
  readonly #cluster: FakeCluster;
  #piece: Piece | undefined;

  constructor(cluster: FakeCluster, node: FakeNode) {
    this.#cluster = cluster;
    this.node = node;
    this.transport = new FakeTransport((name, args) => this.#send(name, args), "idle");
    this.transport.connect = () => {
      this.transport.state = "connecting";
      setImmediate(() => this.knock());
    };
    this.transport.holdProcess = (hold) => {
      this.holdsProcess = hold;
    };
    this.transport.inOneWrite = (write) => this.#inOneWrite(write);
  }

  get isOpen(): boolean {
    return this.transport.state !== "closed";
  }

  /** Asks the node to let it in, where it has not done so. */
  knock(): void {
    if (this.transport.state !== "connecting") return;
    if (this.node.manner === "serves") this.transport.becomeReady();
    if (this.node.manner === "refuses") this.transport.fail(new Error("connect ECONNREFUSED"));
  }

  /** Is lost, with all that the node has not read. */
  cut(): void {
    this.#cluster.drop(this);
    this.transport.destroy();
  }

  #send(name: string, args: readonly Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { node } = this;
      const delivered: Delivered = { node, name, args: args.map(String), outcome: undefined, turn: 0 };
      this.#cluster.delivered.push(delivered);
      const command: Command = { delivered, args, resolve, reject };
      if (this.#piece === undefined) this.#cluster.receive({ connection: this, commands: [command] });
      else this.#piece.commands.push(command);
    });
  }

  #inOneWrite(write: () => void): void {
    if (this.#piece !== undefined) {
      write();
      return;
    }
    const piece: Piece = { connection: this, commands: [] };
    this.#piece = piece;
    try {
      write();
    } finally {
      this.#piece = undefined;
    }
    if (piece.commands.length > 0) this.#cluster.receive(piece);
  }
}

/** A node, and what it knows. */
export class FakeNode implements NodeAddress {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly id: string;
  runId: string;
  /** A replica has those of its master. */
  keys: Map<string, Buffer> = new Map();
  /** Of slots that are on their way here as a whole: no client finds them yet. */
  readonly staged: Map<string, Buffer> = new Map();
  /** The owner of each slot, as this node knows it. */
  readonly owners: (FakeNode | undefined)[] = Array.from({ length: slotCount });
  /** The epoch of each master, as this node knows it. */
  readonly epochs: Map<FakeNode, number> = new Map();
  /** The master of each replica, as this node knows it. */
  readonly masters: Map<FakeNode, FakeNode> = new Map();
  readonly migrating: Map<number, FakeNode> = new Map();
  readonly importing: Map<number, FakeNode> = new Map();
  /** Slots that take no writes, since they are just being handed over as a whole. */
  readonly paused: Set<number> = new Set();
  /** It finds that the cluster does not work. */
  isDown = false;
  /** Replaces its answers. */
  refusal: (name: string, args: readonly string[]) => string | undefined = () => undefined;
  readonly #cluster: FakeCluster;
  #manner: "serves" | "is silent" | "refuses" = "serves";
  /** Keeps back its replies. */
  #keptBack: (() => void)[] | undefined;

  constructor(cluster: FakeCluster, at: number) {
    this.#cluster = cluster;
    this.port = 7001 + at;
    this.id = String(at + 1).padStart(40, "a");
    this.runId = `run${at + 1}`;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get manner(): "serves" | "is silent" | "refuses" {
    return this.#manner;
  }

  epochOf(node: FakeNode): number {
    return this.epochs.get(node) ?? 0;
  }

  /** Serves again, and carries out what has reached it meanwhile. */
  serve(): void {
    this.#manner = "serves";
    for (const connection of this.#connections) connection.knock();
    this.#cluster.schedule();
  }

  /** Answers nobody any more, though connections stay. */
  fallSilent(): void {
    this.#manner = "is silent";
  }

  /** Is there no more: connections are lost, and others are refused. */
  refuse(): void {
    this.#manner = "refuses";
    this.cut();
    for (const connection of this.#connections) connection.knock();
  }

  /** Loses its connections. */
  cut(): void {
    for (const connection of this.#connections) if (connection.transport.state === "ready") connection.cut();
  }

  /** Keeps its replies back, until the returned function is called. */
  keepBack(): () => void {
    const kept: (() => void)[] = [];
    this.#keptBack = kept;
    return () => {
      if (this.#keptBack === kept) this.#keptBack = undefined;
      for (const reply of kept) reply();
    };
  }

  /** The slots that it serves, as it finds itself. */
  served(): number[] {
    return this.owners.flatMap((owner, slot) => (owner === this ? [slot] : []));
  }

  /** Hears what another node serves. */
  hear(other: FakeNode, served: readonly number[] = other.served()): void {
    if (other.masters.has(other)) {
      this.masters.set(other, other.masters.get(other) as FakeNode);
      return;
    }
    this.masters.delete(other);
    const epoch = other.epochOf(other);
    this.epochs.set(other, epoch);
    for (const slot of served) {
      const owner = this.owners[slot];
      if (owner === other || this.importing.has(slot)) continue;
      if (owner === undefined || this.epochOf(owner) < epoch) this.owners[slot] = other;
    }
  }

  /** Gives itself an epoch above all others, unless it has that already. */
  rise(): void {
    if (this.epochOf(this) < this.#cluster.epoch) {
      this.#cluster.epoch += 1;
      this.epochs.set(this, this.#cluster.epoch);
    }
  }

  /** A replica takes the place of its master, which does not know yet, nor does anyone else. */
  takePlace(): void {
    const master = this.masters.get(this) as FakeNode;
    this.masters.delete(this);
    this.keys = new Map(master.keys);
    for (const [slot, owner] of this.owners.entries()) if (owner === master) this.owners[slot] = this;
    this.rise();
  }

  /** Becomes a replica. */
  follow(master: FakeNode): void {
    this.migrating.clear();
    this.importing.clear();
    this.keys = master.keys;
    this.masters.set(this, master);
    this.hear(master);
  }

  canCarryOut(commands: readonly Delivered[]): boolean {
    if (this.#manner !== "serves") return false;
    if (this.paused.size === 0) return true;
    return !commands.some(({ name, args: [key = ""] }) => writing.has(name) && this.paused.has(keySlot(key)));
  }

  carryOut({ delivered, args, resolve, reject }: Command, connection: FakeConnection): void {
    let reply: () => void;
    try {
      const answer = this.#answer(delivered, args, connection);
      delivered.outcome = "done";
      reply = () => resolve(answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      [delivered.outcome] = error.message.split(" ", 1);
      reply = () => reject(error);
    }
    if (this.#keptBack === undefined) reply();
    else this.#keptBack.push(reply);
  }

  get #connections(): FakeConnection[] {
    return this.#cluster.connections.filter(({ node, isOpen }) => node === this && isOpen);
  }

  #answer({ name, args }: Delivered, given: readonly Argument[], connection: FakeConnection): unknown {
    const { asking } = connection;
    connection.asking = name === "asking";
    const refusal = this.refusal(name, args);
    if (refusal !== undefined) throw new Refusal(refusal);
    const [first = "", second = ""] = args;
    switch (name) {
      case "asking":
        return Buffer.from("OK");
      case "info":
        return Buffer.from(`# Server\r\nredis_mode:cluster\r\nrun_id:${this.runId}\r\n`);
      case "scan":
        return this.#scan(Number(first), args[2] ?? "*");
      case "cluster":
        if (first === "SLOTS") return this.#slots();
        if (first === "NODES") return Buffer.from(this.#nodes());
        if (first === "GETKEYSINSLOT") return this.#keysIn(Number(second), Number(args[2]));
        throw new Refusal(`ERR unknown subcommand '${first}'.`);
    }
    const keys = keysOf(name, args);
    this.#checkServed(keys, asking);
    switch (name) {
      case "get":
        return this.keys.get(first) ?? null;
      case "set":
        if (args.includes("NX") && this.keys.has(first)) return null;
        this.keys.set(first, Buffer.from(given[1] ?? ""));
        return Buffer.from("OK");
      case "exists":
        return keys.filter((key) => this.keys.has(key)).length;
      case "unlink":
        return keys.filter((key) => this.keys.delete(key)).length;
      default:
        return keys.map((key) => this.keys.get(key) ?? null);
    }
  }

  /** Refuses what is not to be done here, as `getNodeByQuery` of real nodes does. */
  #checkServed(keys: readonly string[], asking: boolean): void {
    const slots = keys.map(keySlot);
    const [slot = 0] = slots;
    if (slots.some((other) => other !== slot))
      throw new Refusal("CROSSSLOT Keys in request don't hash to the same slot");
    const owner = this.owners[slot];
    if (owner === undefined) throw new Refusal("CLUSTERDOWN Hash slot not served");
    if (this.isDown) throw new Refusal("CLUSTERDOWN The cluster is down");
    const missing = keys.filter((key) => !this.keys.has(key)).length;
    const to = owner === this ? this.migrating.get(slot) : undefined;
    if (to !== undefined && missing > 0) {
      if (missing < keys.length) throw new Refusal(tryAgain);
      throw new Refusal(`ASK ${slot} ${to.address}`);
    }
    if (asking && owner !== this && this.importing.has(slot)) {
      if (keys.length > 1 && missing > 0) throw new Refusal(tryAgain);
      return;
    }
    if (owner !== this || this.masters.has(this)) throw new Refusal(`MOVED ${slot} ${owner.address}`);
  }

  /** A page of the keys, in the order of a hash that only this node has. */
  #scan(cursor: number, pattern: string): [Buffer, Buffer[]] {
    const places = Array.from(this.keys.keys(), (key) => ({ key, place: hashOf(this.runId + key) }))
      .filter(({ place }) => place >= cursor)
      .toSorted((one, other) => one.place - other.place);
    const next = places[keysPerPage]?.place;
    const matching = globOf(pattern);
    const page = places.filter(({ key, place }) => place < (next ?? Infinity) && matching.test(key));
    return [Buffer.from(String(next ?? 0)), page.map(({ key }) => Buffer.from(key))];
  }

  #keysIn(slot: number, limit: number): Buffer[] {
    const all = [...this.keys.keys(), ...this.staged.keys()].filter((key) => keySlot(key) === slot);
    return all.slice(0, limit).map((key) => Buffer.from(key));
  }

  #slots(): unknown[] {
    return Array.from(rangesOf(this.owners), ([owner, ranges]) => {
      const replicas = this.#cluster.nodes.filter((node) => this.masters.get(node) === owner);
      const nodes = [owner, ...replicas].map(({ host, port, id }) => [
        Buffer.from(host),
        port,
        Buffer.from(id),
      ]);
      return ranges.map((range) => [...range, ...nodes]);
    }).flat();
  }

  #nodes(): string {
    const ranges = rangesOf(this.owners);
    const lines = this.#cluster.nodes.map((node) => {
      const master = this.masters.get(node);
      const flags = [...(node === this ? ["myself"] : []), master === undefined ? "master" : "slave"];
      const served = (ranges.get(node) ?? []).map(([first, last]) =>
        first === last ? String(first) : `${first}-${last}`,
      );
      if (node === this) {
        for (const [slot, { id }] of this.migrating) served.push(`[${slot}->-${id}]`);
        for (const [slot, { id }] of this.importing) served.push(`[${slot}-<-${id}]`);
      }
      const ping = this.#cluster.delivered.length; // something else in each reply
      const epoch = this.epochOf(master ?? node);
      const start = `${node.id} ${node.address}@${node.port + 10_000} ${flags.join(",")} ${master?.id ?? "-"}`;
      return [`${start} 0 ${ping} ${epoch} connected`, ...served].join(" ");
    });
    return `${lines.join("\n")}\n`;
  }
}

/** A slot on its way from one master to another. */
class Move {
  readonly slot: number;
  readonly from: FakeNode;
  readonly to: FakeNode;
  protected readonly cluster: FakeCluster;

  constructor(cluster: FakeCluster, slot: number, to: FakeNode) {
    const from = cluster.ownerOf(slot);
    if (from === undefined || from === to) throw new Error(`Slot ${slot} cannot move there.`);
    this.cluster = cluster;
    this.slot = slot;
    this.from = from;
    this.to = to;
  }
}

/** One that goes key by key, in steps as `redis-cli --cluster reshard` takes them. */
export class SlotMove extends Move {
  /** Sets the markers on both nodes. */
  constructor(cluster: FakeCluster, slot: number, to: FakeNode) {
    super(cluster, slot, to);
    to.importing.set(slot, this.from);
    this.from.migrating.set(slot, to);
  }

  /** Moves this many keys. Default: all. */
  moveKeys(count: number = Infinity): this {
    carry(this.slot, this.from, this.to, count);
    return this;
  }

  /** The target serves the slot from now on; the source has no keys by then. */
  finishTarget(): this {
    this.moveKeys();
    this.to.importing.delete(this.slot);
    this.to.owners[this.slot] = this.to;
    this.to.rise();
    return this;
  }

  /** The source is told. Which epoch the target has by now it does not hear. */
  finishSource(): this {
    this.from.migrating.delete(this.slot);
    this.from.owners[this.slot] = this.to;
    return this;
  }

  finishOthers(): this {
    const served = this.to.served();
    for (const node of this.cluster.nodes) node.hear(this.to, served);
    return this;
  }

  finish(): void {
    this.finishTarget().finishSource().finishOthers();
  }

  /** The source goes on serving: no client finds what is on the target. */
  cancelSource(): this {
    this.from.migrating.delete(this.slot);
    return this;
  }

  moveBack(count: number = Infinity): this {
    carry(this.slot, this.to, this.from, count);
    return this;
  }

  cancelTarget(): this {
    this.moveBack();
    this.to.importing.delete(this.slot);
    return this;
  }

  cancel(): void {
    this.cancelSource().cancelTarget();
  }
}

/** One that goes as a whole, as CLUSTER MIGRATESLOTS of Valkey 9 moves it. */
export class AtomicMove extends Move {
  /** The keys are on both nodes; no client finds them on the target. */
  constructor(cluster: FakeCluster, slot: number, to: FakeNode) {
    super(cluster, slot, to);
    for (const [key, value] of keysIn(slot, this.from.keys)) to.staged.set(key, value);
  }

  /** The target serves the slot, and the source does not know yet, but takes no writes. */
  takeOver(): this {
    this.cancel();
    for (const [key, value] of keysIn(this.slot, this.from.keys)) this.to.keys.set(key, value);
    this.from.paused.add(this.slot);
    this.to.owners[this.slot] = this.to;
    this.to.rise();
    return this;
  }

  /** The source hears of it, and removes the keys. */
  leave(): this {
    this.from.hear(this.to);
    this.from.paused.delete(this.slot);
    for (const [key] of keysIn(this.slot, this.from.keys)) this.from.keys.delete(key);
    return this;
  }

  finish(): void {
    this.takeOver().leave();
    this.cluster.settle();
  }

  cancel(): void {
    for (const [key] of keysIn(this.slot, this.to.staged)) this.to.staged.delete(key);
  }
}

class Refusal extends Error {
  override readonly name = "ReplyError";
}

const tryAgain = "TRYAGAIN Multiple keys request during rehashing of slot";
const writing: ReadonlySet<string> = new Set(["set", "unlink"]);

/** The keys of a command. */
function keysOf(name: string, args: readonly string[]): readonly string[] {
  switch (name) {
    case "get":
    case "set":
      return args.slice(0, 1);
    case "exists":
    case "unlink":
    case "mget":
      return args;
    case "mset":
      return args.filter((_, at) => at % 2 === 0);
  }
  throw new Refusal(`ERR unknown command '${name}'`);
}

function keysIn(slot: number, keys: ReadonlyMap<string, Buffer>): [string, Buffer][] {
  return Array.from(keys).filter(([key]) => keySlot(key) === slot);
}

function carry(slot: number, from: FakeNode, to: FakeNode, count: number): void {
  for (const [key, value] of keysIn(slot, from.keys).slice(0, count)) {
    from.keys.delete(key);
    to.keys.set(key, value);
  }
}

function rangesOf(owners: readonly (FakeNode | undefined)[]): Map<FakeNode, [first: number, last: number][]> {
  const all = new Map<FakeNode, [number, number][]>();
  let range: [number, number] = [0, 0];
  for (const [slot, owner] of owners.entries()) {
    if (owner !== undefined && owner === owners[slot - 1]) range[1] = slot;
    else if (owner !== undefined) {
      range = [slot, slot];
      const ranges = all.get(owner);
      if (ranges === undefined) all.set(owner, [range]);
      else ranges.push(range);
    }
  }
  return all;
}

/** FNV-1a, never 0. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) + 1;
}

/** A pattern of SCAN, as far as the store writes such. */
function globOf(pattern: string): RegExp {
  const source = pattern.replace(/\\([\s\S])|\*|\?|\[[^\]]*\]|[$()+.^{|}\]]/g, (part, escaped?: string) => {
    if (escaped !== undefined) return `\\u{${(escaped.codePointAt(0) ?? 0).toString(16)}}`;
    if (part === "*") return "[^]*";
    if (part === "?") return "[^]";
    return part.length > 1 ? part : `\\${part}`;
  });
  return new RegExp(`^${source}$`, "u");
}
