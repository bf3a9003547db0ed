import { Buffer } from "node:buffer";
import { time } from "@kv/core/driver";
import type { Argument } from "../transport/transport.ts";
import type { ClientSocket, IoredisClient } from "./client.ts";

/** An argument that is longer is written by itself: for a shorter one, another write costs more than a copy. */
const maxJoinedLength = 2 * 1024;

/** Tells whether an argument of a command is worth a write of its own. */
export function hasLongArgument(args: readonly Argument[]): boolean {
  for (const arg of args) if (arg.length > maxJoinedLength) return true;
  return false;
}

/**
 * Returns the client with commands that are written to the socket in chunks. By itself a client joins a command in a new buffer
 * or string before it writes it: for a long value that is one more copy, into newly allocated memory each time.
 *
 * This relies on a part of the clients that is not documented: they hand a `Command` to their own `sendCommand`, which calls its
 * `toWritable` and writes what that returns. A test of `@kv/redis` and `@kv/valkey`, `client-internals`, watches it.
 */
export function withChunkedWrites(client: IoredisClient): IoredisClient {
  let sending = chunkingClients.get(client);
  if (sending === undefined) {
    sending = chunkingClient(client);
    chunkingClients.set(client, sending);
  }
  return sending;
}

const chunkingClients = new WeakMap<IoredisClient, IoredisClient>();

/** The command that a client makes of a call, and hands to its own `sendCommand`. */
interface ClientCommand {
  readonly name: string;
  readonly args: readonly Argument[];
  toWritable(socket: ClientSocket): string | Buffer;
}

interface SendingClient {
  readonly options: { readonly enableAutoPipelining?: boolean };
  sendCommand?(command: ClientCommand): Promise<unknown>;
}

function chunkingClient(client: IoredisClient & SendingClient): IoredisClient {
  // A pipeline of the client holds commands back, and would be overtaken by their chunks.
  if (client.sendCommand === undefined || client.options.enableAutoPipelining === true) return client;
  return Object.create(client, {
    sendCommand: {
      value(command: ClientCommand) {
        command.toWritable = writeChunks;
        return client.sendCommand?.(command);
      },
    },
  }) as IoredisClient;
}

/** Writes all chunks except the last, and returns that to the client, which writes it immediately. */
function writeChunks(this: ClientCommand, socket: ClientSocket): string {
  socket.cork();
  time.nextTick(() => socket.uncork());
  let part = `*${this.args.length + 1}\r\n${withLength(this.name)}`;
  for (const arg of this.args) {
    if (typeof arg === "string" && arg.length <= maxJoinedLength) {
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
