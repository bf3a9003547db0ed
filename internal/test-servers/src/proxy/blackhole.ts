import { once } from "node:events";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";

/** A port on which nobody answers, as if the network had lost the machine. */
export interface Blackhole {
  /** Gives the port back; resolved once another one can listen on it. */
  end(): Promise<void>;
}

const BACKLOG = 1;

/**
 * Makes `port` of loopback one whose SYNs are not answered: not taken, not refused.
 *
 * Linux drops a SYN where a listener's queue of connections to accept is full, and the queue holds one more than the
 * backlog. So a thread listens that accepts nothing, and its queue is filled.
 */
export async function startBlackhole(port: number): Promise<Blackhole> {
  const awake = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("blackhole.mjs", import.meta.url), {
    workerData: { port, backlog: BACKLOG, awake },
  });
  const gone = once(worker, "exit");
  await once(worker, "message");
  worker.unref(); // it stands still: a test that fails must be able to end all the same
  const fillers = Array.from({ length: BACKLOG + 1 }, () => connect({ host: "127.0.0.1", port }).unref());
  await Promise.all(fillers.map((filler) => once(filler, "connect")));
  return {
    async end() {
      worker.ref();
      for (const filler of fillers) filler.destroy();
      Atomics.store(awake, 0, 1);
      Atomics.notify(awake, 0);
      await gone;
    },
  };
}
