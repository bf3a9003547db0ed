import { relative } from "node:path";
import type { FullStore } from "@kv/core";
import { directoryOf, storeFromUrl } from "@kv/from-url";

/** A store, and where it is kept, as a person may read it: without the password that a URL may hold. */
export interface StoreLocation {
  readonly store: FullStore;
  readonly description: string;
}

/** The folder of the tour's files where no URL is given: one of this repository that git leaves alone. */
const ownFolder = new URL("../../../.tour", import.meta.url).href;

/**
 * Opens the store of a URL: files by default, `memory:`, other files (`file:./folder`), or a server
 * (`redis://localhost:6379`).
 */
export async function openStore(url: string = ownFolder): Promise<StoreLocation> {
  // A namespace of its own: on a server that others use too, the tour touches nothing of theirs.
  const store = await storeFromUrl(url, { namespace: "kv-tour" }).catch(nameSetting);
  return { store, description: described(url) };
}

/** A mistake in a setting says in which. */
function nameSetting(error: unknown): never {
  if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
  throw new TypeError(`KV_URL: ${error.message}`, { cause: error });
}

function described(url: string): string {
  const { protocol, host } = new URL(url);
  if (protocol === "file:") return `files in ${relative(process.cwd(), directoryOf(url))}`;
  const backend = protocol.slice(0, -1);
  return host === "" ? backend : `${backend} at ${host}`;
}
