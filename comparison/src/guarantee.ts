import type { RunningServer } from "@kv/test-servers";
import type { PeerStore } from "./peer.ts";

export interface Guarantee {
  /** As the table's first column has it. */
  readonly says: string;

  /** The backends on which it is tried. */
  readonly on: readonly ("memory" | "Redis")[];

  /** It turns the clock of this process, so nothing else may be tried meanwhile. */
  readonly alone?: boolean;

  /** Whether it holds. What a library refuses, it does not do: then this may reject. */
  holds(trial: Trial): Promise<boolean>;
}

/** One guarantee tried on one library and backend, which starts empty. */
export interface Trial {
  /** A store on the trial's backend; again for another handle. All are closed after the trial. */
  open(): Promise<PeerStore>;

  /** The server of a trial on Redis. */
  server(): RunningServer;
}
