import { once } from "node:events";
import { connect } from "node:net";
import { until } from "@kv/test-servers";

/** A connection that keeps what it gets, chunk by chunk. */
export interface RawConnection extends Disposable {
  /** Sends commands in one write; each is words separated by spaces. */
  send(...commands: string[]): void;
  readonly chunks: string[];
  /** Everything received so far. */
  readonly text: string;
  readonly closed: boolean;
  untilText(expected: string): Promise<void>;
  untilClosed(): Promise<void>;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect({ host: "127.0.0.1", port });
  const chunks: string[] = [];
  const text = (): string => chunks.join("");
  socket.on("data", (chunk: Buffer) => chunks.push(chunk.toString("latin1")));
  await once(socket, "connect");
  // A connection cut by the other side may say ECONNRESET: `closed` tells.
  socket.on("error", () => {});
  return {
    send: (...commands) => {
      const frames = commands.map((command) => {
        const words = command.split(" ");
        return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
      });
      socket.write(frames.join(""));
    },
    chunks,
    get text() {
      return text();
    },
    get closed() {
      return socket.closed;
    },
    untilText: async (expected) => {
      await until(`the reply ${JSON.stringify(expected)}`, 5000, () =>
        text() === expected ? true : undefined,
      );
    },
    untilClosed: async () => {
      await until("the connection ends", 60_000, () => (socket.closed ? true : undefined));
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}
