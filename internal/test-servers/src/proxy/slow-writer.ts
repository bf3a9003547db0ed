import type { Socket } from "node:net";

/** Writes to a socket in order; while `isSlow`, a byte a turn of the event loop. */
export interface SlowWriter {
  write(bytes: Buffer): void;
  /** Ends the socket after what was written. */
  end(): void;
}

export function slowWriter(socket: Socket, isSlow: () => boolean): SlowWriter {
  let waiting: Buffer = Buffer.alloc(0);
  let ending = false;
  let turn: NodeJS.Immediate | undefined;

  // All bytes leave in the same phase of the event loop, so that a client in this very process reads between.
  const start = (): void => {
    if (turn !== undefined) return;
    if (isSlow()) turn = setImmediate(pump);
    else pump();
  };

  const pump = (): void => {
    turn = undefined;
    if (socket.destroyed) return;
    const bytes = waiting.subarray(0, isSlow() ? 1 : waiting.length);
    waiting = waiting.subarray(bytes.length);
    if (bytes.length > 0) socket.write(bytes);
    if (waiting.length > 0) turn = setImmediate(pump);
    else if (ending) socket.end();
  };

  return {
    write(bytes) {
      waiting = Buffer.concat([waiting, bytes]);
      start();
    },
    end() {
      ending = true;
      start();
    },
  };
}
