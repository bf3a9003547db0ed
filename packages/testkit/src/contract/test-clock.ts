/** The time that passes for a store: on a clock that can be moved, or in reality. */
export interface TestClock {
  /** Tells whether the clock can be moved. */
  readonly isFake: boolean;
  /** A life of an entry that is over soon: an hour of a clock that can be moved, else 40 ms. */
  readonly shortMs: number;
  /** Marks this moment. */
  checkpoint(): Checkpoint;
  /** Waits in reality, for what a clock that is moved cannot tell, such as timers. */
  sleep(ms: number): Promise<void>;
}

/** A moment, and the time since then. */
export interface Checkpoint {
  /** Returns the most that can have passed for the store since then. */
  atMostMs(): number;
  /** Lets time pass until at least so much has passed for the store since then. */
  until(ms: number): Promise<void>;
}

/** The resolution of time (T1), to either side. */
export const resolutionMs = 1;
