import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { decodeReply, encodeCommand, frameEnd, type Reply } from "./resp.ts";

/** Where a server listens on loopback, and how to be let in. */
export interface Endpoint {
  port: number;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM of the authority that signed the server's certificate; without it the connection is a plain one. */
  ca?: string | undefined;
}

/**
 * Sends one command over a connection of its own.
 *
 * Rejects with the server's error (its code comes first in the message), with the socket's error, or after
 * `withinMs` without a whole answer.
 */
export async function sendCommand(
  endpoint: Endpoint,
  args: readonly (string | Uint8Array)[],
  withinMs = 30_000,
): Promise<Reply> {
  const commands = [args];
  if (endpoint.password !== undefined) {
    const user = endpoint.username === undefined ? [] : [endpoint.username];
    commands.unshift(["AUTH", ...user, endpoint.password]);
  }
  const replies = await exchange(endpoint, commands, withinMs);
  for (const reply of replies) if (reply instanceof Error) throw reply;
  return replies.at(-1) ?? null;
}

function exchange(
  endpoint: Endpoint,
  commands: readonly (readonly (string | Uint8Array)[])[],
  withinMs: number,
): Promise<Reply[]> {
  return new Promise((resolve, reject) => {
    const socket = open(endpoint);
    const name = String(commands.at(-1)?.[0]);
    const deadline = setTimeout(() => {
      socket.destroy(new Error(`No answer to ${name} from port ${endpoint.port} within ${withinMs} ms`));
    }, withinMs);
    const replies: Reply[] = [];
    let unread = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (let end = frameEnd(unread, 0); end !== undefined; end = frameEnd(unread, 0)) {
        replies.push(decodeReply(unread));
        unread = unread.subarray(end);
      }
      if (replies.length >= commands.length) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(deadline);
      if (replies.length >= commands.length) resolve(replies);
      else reject(new Error(`Port ${endpoint.port} hung up before it answered ${name}`));
    });
    socket.write(Buffer.concat(commands.map(encodeCommand)));
  });
}

function open({ port, ca }: Endpoint): Socket {
  if (ca === undefined) return connectPlain({ host: "127.0.0.1", port });
  return connectTls({ host: "127.0.0.1", port, ca, servername: "localhost" });
}
