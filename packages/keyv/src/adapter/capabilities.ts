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
  // Keyv counts a generator as synchronous, even an asynchronous one.
  iterator: { exists: true, methodType: "sync" },
};

/** Returns the capabilities that Keyv 6 would otherwise detect. */
export function capabilities(expires: boolean): KeyvStoreCapabilities {
  return { compatible: true, store: "keyvStorage", expires, methods };
}
