export type { Bytes } from "./bytes.ts";
export { type Capability, hasCapability, type StoreWith } from "./capability.ts";
export { type BytesCodec, bytes, type Codec, json, text } from "./codec.ts";
export {
  type Declarations,
  type DeclaredStore,
  DeclaredStores,
  declareStores,
} from "./declared-stores.ts";
export { withDefaultExpiry } from "./default-expiry.ts";
export type { Duration, DurationFields, DurationText } from "./duration.ts";
export { isStoreError, StoreError, type StoreErrorCode, type StoreErrorOptions } from "./error.ts";
export { findStore, type StoreNeeds, type StoreSource } from "./find-store.ts";
export { type GetOrSetOptions, getOrSet } from "./get-or-set.ts";
export {
  type RegisterOptions,
  type RegistryOptions,
  type RootedRegistryOptions,
  StoreRegistry,
} from "./registry.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
export type {
  AtomicStore,
  BatchStore,
  CreateOptions,
  ExpirableStore,
  FullStore,
  GetOptions,
  Incremented,
  IncrementOptions,
  ListableStore,
  ListOptions,
  NamespacedStore,
  SetOptions,
  Store,
  Value,
} from "./store.ts";
export {
  type TypedAtomicMethods,
  type TypedBatchMethods,
  type TypedListMethods,
  type TypedMethods,
  type TypedStore,
  type TypedView,
  typed,
} from "./typed.ts";
