import type { Capability, Store, Value } from "@kv/core";

export type { Capability };

/** The access of the kit to a backend. */
export interface Harness {
  /** The name of the backend, in titles and messages. */
  readonly name: string;

  /**
   * The capabilities of the store. The kit runs the cases of all that is named here, and fails where the store's methods
   * say otherwise: a capability too few as well as one too many.
   */
  readonly capabilities: readonly Capability[];

  /**
   * Opens a store on data of its own that starts empty. Called for every case, some of which run at the same time.
   * Its keys must be its own: not a store with `namespace: null`.
   */
  open(): Opened | Promise<Opened>;

  /** The entries live in the memory of this process: then a jump of its wall clock must not touch them (T7). */
  readonly inMemory?: boolean | undefined;

  /** The versions of what is tested, for the report: `{ "my-store": "1.2.0", server: "Redis 7.0.15" }`. Default: none. */
  readonly versions?: Readonly<Record<string, string>> | undefined;

  /** Data that released versions have written (N7). */
  readonly golden?: readonly GoldenData[] | undefined;
}

/** A store, and what a harness can do with it. What is left out is reported as not proven at the end. */
export interface Opened {
  /** The store. */
  readonly store: Store;

  /** Moves the clock that expiry goes by. Without it the suite waits in real time, as short as it can. */
  advance?(ms: number): void | Promise<void>;

  /** Opens a second handle on the same data, as another part of the program would open it. */
  openAgain?(): Store | Promise<Store>;

  /** Opens a store whose calls are made by another process on the same data: see `openInProcess`. */
  openElsewhere?(): Store | Promise<Store>;

  /**
   * Opens a store on the same data whose `timeout` is as short as this, a few milliseconds (S7). It may be asked for more than
   * once. To close it may take longer than that, so that `close` rejects.
   */
  openImpatient?(timeoutMs: number): Store | Promise<Store>;

  /** Opens a store on the same backend with `namespace: null` (N4). */
  openWithoutNamespace?(): Store | Promise<Store>;

  /** Damages the stored entry of a key in the root namespace, as a failing disk would (S7). */
  damage?(key: string): void | Promise<void>;

  /** Makes every call to the backend fail until the function that it gives is called (S7). */
  fail?(): Recover | Promise<Recover>;

  /** Tells whether the store has done nothing at all so far: no connection, no file (L4). */
  untouched?(): boolean | Promise<boolean>;

  /** Closes and removes everything that was opened; the store may be closed already. */
  dispose?(): void | Promise<void>;
}

/** Lets the backend work again. */
export type Recover = () => void | Promise<void>;

/** The data of one released version, which later versions must read. */
export interface GoldenData {
  /** The version that wrote it. */
  readonly version: string;

  /** Opens a store on the data, or on a copy of it. */
  open(): Opened | Promise<Opened>;

  /** The entries that it must hold. */
  readonly entries: readonly GoldenEntry[];
}

/** An entry of golden data. */
export interface GoldenEntry {
  /** The path from the root. Default: `[]`. */
  readonly namespace?: readonly string[] | undefined;
  /** The key. */
  readonly key: string;
  /** The value that it must hold. */
  readonly value: Value;
}
