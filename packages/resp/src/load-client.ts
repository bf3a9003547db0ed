import { StoreError } from "@kv/core";
import type { RespClient } from "./resp-client.ts";

/** A client's library, as far as it is needed here. */
export interface ClientLibrary<O> {
  /** Makes a client. */
  readonly Redis: new (
    options: O,
  ) => RespClient;
}

/**
 * Makes a client of a library that is loaded only now.
 *
 * @throws StoreError `KV_FAILED` where the library is not installed, or a bundler broke it: no later call mends that
 *
 * @example
 * ```ts
 * import { type Backend, backendStore, loadClient } from "@kv/resp";
 *
 * const redis: Backend = {
 *   name: "redis",
 *   makeClient: (options) => loadClient("ioredis", () => import("ioredis"), options),
 * };
 * const store = backendStore(redis, { url: "redis://localhost:6379" });
 * await store.close();
 * ```
 */
export async function loadClient<O>(
  name: string,
  load: () => Promise<ClientLibrary<O>>,
  options: O,
): Promise<RespClient> {
  try {
    const { Redis } = await load();
    return new Redis(options);
  } catch (cause) {
    throw new StoreError(
      "KV_FAILED",
      `${name} could not be loaded, and nothing was sent; see the cause. Install it (npm install ${name}), or mark it as external where you bundle.`,
      { cause },
    );
  }
}
