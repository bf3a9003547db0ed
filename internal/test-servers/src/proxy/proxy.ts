import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { claimPort } from "../servers/claim-port.ts";
import { type Blackhole, startBlackhole } from "./blackhole.ts";
import { ignore, type ProxyConnection, relay } from "./proxy-connection.ts";
import { armFault, type CommandMatch, type Faults } from "./proxy-faults.ts";
import { noTraffic, type ProxyTraffic } from "./proxy-traffic.ts";

/**
 * A proxy on loopback that breaks what goes through it, on command.
 *
 * The faults that wait for a command strike once, on whichever connection it comes first; their promise
 * resolves when they have struck.
 */
export interface FaultProxy extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly traffic: Readonly<ProxyTraffic>;
  /** The URL of the server with this proxy's port in place of its own. */
  through(url: string): string;
  /** The command never reaches the server, and the connection ends, after the replies to earlier commands. */
  dropCommand(match: CommandMatch): Promise<void>;
  /** The server runs the command and answers; the client sees the connection end in place of the answer. */
  dropReply(match: CommandMatch): Promise<void>;
  /** The client gets the first half of the reply's bytes, then the connection ends. */
  cutReply(match: CommandMatch): Promise<void>;
  /** The reply, and all that come after it on its connection, wait for `release`. */
  holdReply(match: CommandMatch): { reached: Promise<void>; release(): void };
  /**
   * The client gets this error, such as `TRYAGAIN ...`, and the server never sees the command: once, or so many times as told.
   * Resolves when it has struck first.
   */
  answer(match: CommandMatch, error: string, times?: number): Promise<void>;
  /** Has every command told from now on as it comes, its name and arguments, whatever becomes of it. */
  onCommand(listener: (args: readonly string[]) => void): void;
  /** Has every reply told from now on as it goes to the client, with the command that it is for; pushes of RESP3 are none. */
  onReply(listener: (args: readonly string[], reply: Buffer) => void): void;
  /** From now on nothing passes, on old and new connections, and none is closed. */
  silence(): void;
  /** Ends `silence`; what came meanwhile passes now. */
  speak(): void;
  /** Cuts all open connections; new ones are taken, nothing passes on them, and they stay silent for ever. */
  mute(): void;
  /** Ends `mute`, for the connections that come from now on. */
  unmute(): void;
  /** The connections that are open now fall silent for ever, and none is closed; new ones work. */
  forget(): void;
  /** New connections are neither taken nor refused: no SYN is answered. Open ones stay. Works on Linux only. */
  blackhole(): Promise<void>;
  /** New connections go to the server on `port`; open ones stay where they are. `heal` leaves it so. */
  leadTo(port: number): void;
  /** Replies go to the clients byte by byte. */
  trickle(on: boolean): void;
  /** Destroys all open connections. */
  cut(): void;
  /** New connections are refused; open ones stay. */
  refuse(): Promise<void>;
  /** Ends `refuse` and `blackhole`. */
  accept(): Promise<void>;
  /** Takes back every fault, those that have not struck yet included; what was to be silent for ever stays so. */
  heal(): Promise<void>;
  /** Cuts all and gives the port back. May be called twice. */
  stop(): Promise<void>;
}

/** Starts a proxy before the server on `targetPort`, which may come and go. */
export async function startProxy(targetPort: number): Promise<FaultProxy> {
  const claim = await claimPort();
  const { port } = claim;
  const traffic = noTraffic();
  const faults: Faults = {
    armed: [],
    commandListeners: [],
    replyListeners: [],
    silent: false,
    muted: false,
    trickling: false,
  };
  const connections = new Set<ProxyConnection>();
  let listener: Server | undefined;
  let hole: Blackhole | undefined;
  let leadsTo = targetPort;

  const take = (client: Socket): void => {
    const connection = faults.muted
      ? ignore(client)
      : relay(client, connect({ host: "127.0.0.1", port: leadsTo }), faults, traffic);
    connections.add(connection);
    traffic.accepted += 1;
    traffic.open += 1;
    client.once("close", () => {
      connections.delete(connection);
      traffic.open -= 1;
    });
  };
  const obeySilence = (silent: boolean): void => {
    faults.silent = silent;
    for (const connection of connections) connection.obeySilence();
  };
  const cut = (): void => {
    for (const connection of connections) connection.cut();
  };
  const accept = async (): Promise<void> => {
    if (listener !== undefined) return;
    await hole?.end();
    hole = undefined;
    listener = createServer({ allowHalfOpen: true }, take).listen({ host: "127.0.0.1", port });
    await once(listener, "listening");
  };
  const refuse = async (): Promise<void> => {
    // The port is closed immediately; the event "close" would wait for the open connections.
    listener?.close();
    listener = undefined;
    await hole?.end();
    hole = undefined;
  };
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await refuse();
    cut();
    claim.release();
  };

  await accept();
  return {
    host: "127.0.0.1",
    port,
    traffic,
    through: (url) => Object.assign(new URL(url), { port: String(port) }).href,
    dropCommand: (match) => armFault(faults, "drop command", match).struck,
    dropReply: (match) => armFault(faults, "drop reply", match).struck,
    cutReply: (match) => armFault(faults, "cut reply", match).struck,
    holdReply: (match) => {
      const { struck, release } = armFault(faults, "hold reply", match);
      return { reached: struck, release };
    },
    answer: (match, error, times = 1) =>
      armFault(faults, "answer", match, { times, reply: `-${error}\r\n` }).struck,
    onCommand: (told) => {
      faults.commandListeners.push(told);
    },
    onReply: (told) => {
      faults.replyListeners.push(told);
    },
    silence: () => obeySilence(true),
    speak: () => obeySilence(false),
    mute: () => {
      cut();
      faults.muted = true;
    },
    unmute: () => {
      faults.muted = false;
    },
    forget: () => {
      for (const connection of connections) connection.forget();
    },
    blackhole: async () => {
      await refuse();
      hole = await startBlackhole(port);
    },
    leadTo: (target) => {
      leadsTo = target;
    },
    trickle: (on) => {
      faults.trickling = on;
    },
    cut,
    refuse,
    accept,
    heal: async () => {
      faults.armed = [];
      faults.muted = false;
      faults.trickling = false;
      obeySilence(false);
      await accept();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
