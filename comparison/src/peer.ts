/** A library as the comparison sees it: every call is the nearest that it has, and nothing is checked or mended. */
export interface Peer {
  /** As the table's columns name it. */
  readonly name: string;

  /** Opens a cache or store with the library's own defaults; two that are opened on one server share its data. */
  open(at: Backend): PeerStore | Promise<PeerStore>;
}

export type Backend = { readonly kind: "memory" } | { readonly kind: "Redis"; readonly url: string };

export interface PeerStore {
  /** What the user of the library calls methods on. */
  readonly own: object;

  set(key: string, value: Uint8Array | string, expiresInMs?: number): Promise<unknown>;

  /** `undefined` or `null` where there is nothing. */
  get(key: string): Promise<unknown>;

  delete(key: string): Promise<unknown>;

  clear(): Promise<unknown>;

  namespace(name: string): PeerStore;

  close(): Promise<unknown>;

  /** Cache-aside, where the library has it; across processes, where it can do that. */
  getOrSet?(key: string, compute: () => Promise<string>): Promise<unknown>;

  /** The keys of this namespace, where the library lists them. */
  keys?(): Promise<readonly string[]>;
}
