import { relative } from "node:path";
import type { FullStore } from "@kv/core";
import { directoryOf, storeFromUrl } from "@kv/from-url";

/** A store, and where it is kept, as a person may read it: without the password that a URL may hold. */
export interface StoreLocation {
  readonly store: FullStore;
  readonly description: string;
  /** Whether other processes see the same data. */
  readonly isShared: boolean;
}

/** The folder of files where no URL is given: one of this repository that git leaves alone. */
const ownFolder = new URL("../../../.web", import.meta.url).href;

/**
 * Opens the store of a URL: files by default (`file:./folder`), `memory:`, or a server (`redis://localhost:6379`,
 * `valkey://localhost:6379`).
 */
export async function openStore(url: string = ownFolder): Promise<StoreLocation> {
  // A namespace of its own: on a server that others use too, the example touches nothing of theirs.
  const store = await storeFromUrl(url, { namespace: "kv-web", sweepEvery: "1m" }).catch(nameSetting);
  return { store, description: described(url), isShared: new URL(url).protocol !== "memory:" };
}

/** A mistake in a setting says in which. */
function nameSetting(error: unknown): never {
  if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
  throw new TypeError(`KV_URL: ${error.message}`, { cause: error });
}

function described(url: string): string {
  const { protocol, host } = new URL(url);
  if (protocol === "file:") {
    const directory = directoryOf(url);
    const fromHere = relative(process.cwd(), directory);
    return `files in ${fromHere.startsWith("..") ? directory : fromHere}`;
  }
  const backend = protocol.slice(0, -1);
  return host === "" ? backend : `${backend} at ${host}`;
}
