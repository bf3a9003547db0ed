import { Buffer } from "node:buffer";
import { guarded } from "@kv/core/driver";
import type { Argument } from "../transport.ts";
import type { ClientSocket, IoredisClient } from "./client.ts";

/** An argument that is longer is written by itself: for a shorter one, another write costs more than a copy. */
const longestJoinedLength = 2 * 1024;

export function hasLongArgument(args: readonly Argument[]): boolean {
  return args.some(isLong);
}

/**
 * The client, whose commands now go to the socket in parts. By itself a client joins a command in a new buffer or
 * string before it writes it: for a long value that is one copy more, into memory that is new every time.
 */
export function inParts(client: IoredisClient): IoredisClient {
  let sending = known.get(client);
  if (sending === undefined) {
    sending = sendingInParts(client);
    known.set(client, sending);
  }
  return sending;
}

const known = new WeakMap<IoredisClient, IoredisClient>();

/** What clients make of a call, and hand to a method of their own that sends it. */
interface ClientCommand {
  readonly name: string;
  readonly args: readonly Argument[];
  toWritable(socket: ClientSocket): string | Buffer;
}

interface SendingClient {
  readonly options: { readonly enableAutoPipelining?: boolean };
  sendCommand?(command: ClientCommand): Promise<unknown>;
}

function sendingInParts(client: IoredisClient & SendingClient): IoredisClient {
  // A pipeline of the client's own keeps commands back, and would be overtaken by their parts.
  if (client.sendCommand === undefined || client.options.enableAutoPipelining === true) return client;
  return Object.create(client, {
    sendCommand: {
      value(command: ClientCommand) {
        command.toWritable = writeInParts;
        return client.sendCommand?.(command);
      },
    },
  }) as IoredisClient;
}

/** Writes all but the last part, and gives that to the client, which writes it at once. */
function writeInParts(this: ClientCommand, socket: ClientSocket): string {
  socket.cork();
  process.nextTick(guarded(() => socket.uncork()));
  let part = `*${this.args.length + 1}\r\n${withLength(this.name)}`;
  for (const arg of this.args) {
    if (typeof arg === "string" && !isLong(arg)) {
      part += withLength(arg);
      continue;
    }
    const bytes = Buffer.byteLength(arg);
    socket.write(`${part}$${bytes}\r\n`);
    socket.write(arg, bytes === arg.length ? "latin1" : "utf8"); // ASCII is quicker as Latin-1
    part = "\r\n";
  }
  return part;
}

function withLength(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function isLong(arg: Argument): boolean {
  return arg.length > longestJoinedLength;
}
