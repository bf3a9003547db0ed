export type { Bytes } from "./bytes.ts";
export { type Capability, hasCapability, type StoreWith } from "./capability.ts";
export { bytes, type Codec, json, text } from "./codec.ts";
export type { Duration, DurationFields, DurationText } from "./duration.ts";
export { isStoreError, StoreError, type StoreErrorCode } from "./error.ts";
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
  NamespacedStore,
  SetOptions,
  Store,
  Value,
} from "./store.ts";
export {
  type TypedAtomicMethods,
  type TypedBatchMethods,
  type TypedMethods,
  type TypedStore,
  type TypedView,
  typed,
} from "./typed.ts";
