import type { KeyvStoreCapabilities } from "./keyv-types.ts";

const asynchronous = { exists: true, methodType: "async" } as const;

const methods: KeyvStoreCapabilities["methods"] = {
  get: asynchronous,
  getMany: asynchronous,
  has: asynchronous,
  hasMany: asynchronous,
  set: asynchronous,
  setMany: asynchronous,
  delete: asynchronous,
  deleteMany: asynchronous,
  clear: asynchronous,
  disconnect: asynchronous,
  // A generator, asynchronous as it is, counts as none to Keyv.
  iterator: { exists: true, methodType: "sync" },
};

/** What Keyv 6 finds out of an adapter, told by itself. */
export function capabilities(expires: boolean): KeyvStoreCapabilities {
  return { compatible: true, store: "keyvStorage", expires, methods };
}
