import { StoreError } from "@kv/core";
import type { IoredisClient } from "./client.ts";

/** The part of a client's library that is needed here. */
export interface ClientLibrary<O> {
  /** Makes a client. */
  readonly Redis: new (
    options: O,
  ) => IoredisClient;
}

/**
 * Loads a library, and makes a client of it.
 *
 * @throws StoreError `KV_FAILED` where the library is not installed, or a bundler broke it
 */
export async function loadClient<O>(
  name: string,
  load: () => Promise<ClientLibrary<O>>,
  options: O,
): Promise<IoredisClient> {
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
