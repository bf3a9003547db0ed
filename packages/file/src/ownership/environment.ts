import type { Disk } from "../disk/file-system.ts";
import type { Liveness, newOwnerId, OwnerId } from "./owner-id.ts";

/** The guarantee against power cuts: `none` syncs nothing, `file` the files, `full` their directories too. */
export type Durability = "none" | "file" | "full";

/** The disk, the clock and the processes that a store sees. Tests replace some of it. */
export interface Environment {
  readonly disk: Disk;
  /** Returns what tells the disk that a path lies on from others. */
  readonly diskOf: (path: string) => string;
  /** Reads the clock of expiries, which all processes share: milliseconds since 1970. */
  readonly now: () => number;
  readonly newOwnerId: typeof newOwnerId;
  readonly livenessOf: (owner: OwnerId) => Liveness;
  /** An owner whose liveness is unknown is fenced when it has sent no heartbeat for this long. */
  readonly heartbeatTimeoutMs: number;
}
