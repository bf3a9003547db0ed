// What both versions of Keyv ask of an adapter, as types of its own: those of Keyv differ from version to version.

/** What Keyv takes as `store`, with all that it may have. Make one for each Keyv, as Keyv gives it a namespace. */
export interface KeyvStore extends KeyvStoreEvents {
  namespace: string | undefined;

  /** Whoever reads this is a Keyv 5. */
  readonly opts: { readonly dialect: "redis" };

  /** Whoever reads this is a Keyv 6. */
  readonly capabilities: KeyvStoreCapabilities;

  get<T>(key: string): Promise<(T & string) | undefined>;
  getMany<T>(keys: string[]): Promise<((T & string) | undefined)[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: string[]): Promise<boolean[]>;

  /** @param end milliseconds: from now for Keyv 5 (a ttl), since 1970 for Keyv 6 (`expires`) */
  set(key: string, value: unknown, end?: number): Promise<boolean>;

  /** Resolves with `true` for each entry, which the type of Keyv 5 has no room for. */
  setMany(entries: readonly KeyvStoreEntry[]): Promise<undefined>;

  delete(key: string): Promise<boolean>;

  /** Resolves with whether any was there for Keyv 5, and with that of each for Keyv 6. */
  deleteMany(keys: string[]): Promise<boolean & boolean[]>;

  clear(): Promise<void>;
  iterator(namespace?: string): AsyncGenerator<[key: string, value: string], void>;
  disconnect(): Promise<void>;
}

export interface KeyvStoreEntry {
  readonly key: string;
  readonly value: unknown;

  /** Milliseconds from now, as Keyv 5 says it. */
  readonly ttl?: number | undefined;

  /** Milliseconds since 1970, as Keyv 6 says it. */
  readonly expires?: number | undefined;
}

export interface KeyvStoreCapabilities {
  readonly compatible: boolean;
  readonly store: "keyvStorage";

  /** Whether a number given to `set` is a time: Keyv 6 turns it into a ttl where it is not. */
  readonly expires: boolean;

  readonly methods: Readonly<Record<KeyvStoreMethod, KeyvStoreMethodInfo>>;
}

export type KeyvStoreMethod =
  | "get"
  | "getMany"
  | "has"
  | "hasMany"
  | "set"
  | "setMany"
  | "delete"
  | "deleteMany"
  | "clear"
  | "disconnect"
  | "iterator";

export interface KeyvStoreMethodInfo {
  readonly exists: boolean;
  readonly methodType: "sync" | "async";
}

type Name = string | symbol;
type Listener = (...given: unknown[]) => void;

/** An emitter of events as Node has it. The only event is `error`. */
export interface KeyvStoreEvents {
  on(event: Name, listener: Listener): this;
  once(event: Name, listener: Listener): this;
  addListener(event: Name, listener: Listener): this;
  prependListener(event: Name, listener: Listener): this;
  prependOnceListener(event: Name, listener: Listener): this;
  off(event: Name, listener: Listener): this;
  removeListener(event: Name, listener: Listener): this;
  removeAllListeners(event?: Name): this;
  emit(event: Name, ...given: unknown[]): boolean;
  eventNames(): Name[];
  listeners(event: Name): Listener[];
  rawListeners(event: Name): Listener[];
  listenerCount(event: Name): number;
}
