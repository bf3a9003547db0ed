export type { SchemaIssue } from "./errors/schema-issue.ts";
export {
  isStoreError,
  StoreError,
  type StoreErrorCode,
  type StoreErrorOptions,
} from "./errors/store-error.ts";
export { type GetOrSetOptions, getOrSet } from "./get-or-set/get-or-set.ts";
export {
  type Declarations,
  type DeclaredStore,
  DeclaredStores,
  declareStores,
} from "./registry/declared-stores.ts";
export { withDefaultExpiry } from "./registry/default-expiry.ts";
export { findStore, type StoreNeeds, type StoreSource } from "./registry/find-store.ts";
export {
  type RegisterOptions,
  type RegistryOptions,
  type RootedRegistryOptions,
  StoreRegistry,
} from "./registry/registry.ts";
export { type Capability, hasCapability, type StoreWith } from "./store/capability.ts";
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
} from "./store/store.ts";
export type { Duration, DurationFields, DurationText } from "./time/duration.ts";
export type { Bytes, Value } from "./values/bytes.ts";
export { type BytesCodec, bytes, type Codec, json, text } from "./values/codec.ts";
export type { SchemaResult, StandardSchema } from "./values/standard-schema.ts";
export {
  type TypedAtomicMethods,
  type TypedBatchMethods,
  type TypedListMethods,
  type TypedMethods,
  type TypedStore,
  type TypedView,
  typed,
} from "./views/typed.ts";
