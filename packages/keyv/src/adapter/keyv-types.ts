// The adapter interface of both versions of Keyv, as types of its own: those of Keyv differ from version to version.

/** A storage adapter with everything that Keyv looks for. Make one for each Keyv, since Keyv gives it a namespace. */
export interface KeyvStore extends KeyvStoreEvents {
  namespace: string | undefined;

  /** Read by Keyv 5 alone. */
  readonly opts: { readonly dialect: "redis" };

  /** Read by Keyv 6 alone. */
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

  /** Resolves for Keyv 5 with whether an entry existed, for Keyv 6 with that for each key. */
  deleteMany(keys: string[]): Promise<boolean & boolean[]>;

  clear(): Promise<void>;
  iterator(namespace?: string): AsyncGenerator<[key: string, value: string], void>;
  disconnect(): Promise<void>;
}

/** An entry of `setMany`. */
export interface KeyvStoreEntry {
  readonly key: string;
  readonly value: unknown;

  /** The expiry of Keyv 5: milliseconds from now. */
  readonly ttl?: number | undefined;

  /** The expiry of Keyv 6: milliseconds since 1970. */
  readonly expires?: number | undefined;
}

/** The capabilities that Keyv 6 reads. */
export interface KeyvStoreCapabilities {
  readonly compatible: boolean;
  readonly store: "keyvStorage";

  /** Says that `set` takes a time: Keyv 6 gives it a ttl otherwise. */
  readonly expires: boolean;

  readonly methods: Readonly<Record<KeyvStoreMethod, KeyvStoreMethodInfo>>;
}

/** A method of the adapter. */
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

/** A capability that is a method. */
export interface KeyvStoreMethodInfo {
  readonly exists: boolean;
  readonly methodType: "sync" | "async";
}

type Name = string | symbol;
type Listener = (...given: unknown[]) => void;

/** An event emitter like that of Node. The only event is `error`. */
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
