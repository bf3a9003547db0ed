// For compilers whose lib setting does not bring AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />

import { callerError, describeType } from "../errors/caller-error.ts";
import { StoreError } from "../errors/store-error.ts";
import type { Store } from "../store/store.ts";
import { type BytesCodec, type Codec, isBytesCodec } from "../values/codec.ts";
import { type TypedStore, typed } from "../views/typed.ts";
import { type RegistryOptions, type RootedRegistryOptions, StoreRegistry } from "./registry.ts";

/** The names of a program's stores, each with the codec of its values; `bytes` for values as they are. */
export type Declarations = Readonly<Record<string, Codec<unknown>>>;

/** The store that `get` gives for a name that was declared with that codec. */
export type DeclaredStore<C, S extends Store> = C extends BytesCodec
  ? S
  : C extends Codec<infer T>
    ? TypedStore<T, S>
    : never;

/**
 * Declares the stores of a program, so that `get` knows each name and the type of its values: a name that is not declared
 * does not compile, and is `KV_UNKNOWN_STORE`. Where they come from is said as to `StoreRegistry`: by `root`, by
 * `defaultFactory`, or one by one.
 *
 * @throws TypeError for what is no codec, for options that do not fit, and for a store whose name is not declared
 *
 * @example
 * ```ts
 * import { bytes, declareStores, json } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const stores = declareStores(
 *   { carts: json<{ items: string[] }>(), sessions: bytes },
 *   { root: memoryStore() },
 * );
 * await stores.get("carts").set("ada", { items: ["a book"] });
 * ```
 */
export function declareStores<D extends Declarations, S extends Store>(
  declarations: D,
  options: RegistryOptions<S> | RootedRegistryOptions<S>,
): DeclaredStores<D, S> {
  return new DeclaredStores(declarations, new StoreRegistry(options));
}

/** Hands out the stores that were declared, each with its type. It holds them and closes them, as a registry does. */
export class DeclaredStores<D extends Declarations, S extends Store = Store> implements AsyncDisposable {
  readonly #codecs: ReadonlyMap<string, Codec<unknown>>;
  readonly #registry: StoreRegistry<S>;
  readonly #typed = new Map<string, TypedStore<unknown, S>>();

  /** Use `declareStores`. */
  constructor(declarations: D, registry: StoreRegistry<S>) {
    this.#codecs = new Map(Object.entries(declarations));
    this.#registry = registry;
    for (const [name, codec] of this.#codecs) checkCodec(name, codec);
    const undeclared = registry.names().find((name) => !this.#codecs.has(name));
    if (undeclared !== undefined) {
      throw callerError(
        new TypeError(
          `The store ${JSON.stringify(undeclared)} is not declared: declare it, or leave it out.`,
        ),
      );
    }
  }

  /**
   * Gets the store of that name, the same object every time: as values of its type, or as it is where it was declared as
   * `bytes`.
   *
   * @throws StoreError `KV_UNKNOWN_STORE` for a name that was not declared, or that nothing gives a store to; `KV_CLOSED`
   * after the end
   */
  get<N extends keyof D & string>(name: N): DeclaredStore<D[N], S> {
    const store = this.untyped(name);
    const codec = this.#codecs.get(name) as Codec<unknown>;
    if (isBytesCodec(codec)) return store as DeclaredStore<D[N], S>;
    const view = this.#typed.get(name) ?? typed(store, codec);
    this.#typed.set(name, view);
    return view as DeclaredStore<D[N], S>;
  }

  /** Gets the store of that name as it is, without its codec. Throws as `get`. */
  untyped(name: keyof D & string): S {
    if (this.#codecs.has(name)) return this.#registry.get(name);
    const names = this.names().map((known) => JSON.stringify(known));
    throw new StoreError(
      "KV_UNKNOWN_STORE",
      `There is no store named ${JSON.stringify(name)}. ${names.length === 0 ? "None is declared" : `Declared: ${names.join(", ")}`}. Declare it beside them.`,
    );
  }

  /** Tells whether a store of that name was declared. */
  has(name: string): boolean {
    return this.#codecs.has(name);
  }

  /** Gives the names that were declared. */
  names(): string[] {
    return [...this.#codecs.keys()];
  }

  /** Removes what has expired from every store that was handed out, as `StoreRegistry.deleteExpired`. How many entries? */
  deleteExpired(): Promise<number> {
    return this.#registry.deleteExpired();
  }

  /** Closes every store, once each, `root` last, as `StoreRegistry.close`. Safe to call again. */
  close(): Promise<void> {
    return this.#registry.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function checkCodec(name: string, codec: unknown): void {
  const isCodec =
    typeof codec === "object" &&
    codec !== null &&
    typeof Reflect.get(codec, "encode") === "function" &&
    typeof Reflect.get(codec, "decode") === "function";
  if (isCodec) return;
  throw callerError(
    new TypeError(
      `The store ${JSON.stringify(name)} must be declared with a codec, like json(), text or bytes, not ${describeType(codec)}.`,
    ),
  );
}
