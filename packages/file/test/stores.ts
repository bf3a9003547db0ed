import { type FullStore, isStoreError } from "@kv/core";
import type { FileStoreOptions } from "@kv/file";
import { onTestFinished } from "vitest";
import { entryKey, layoutOf, locateNamespace } from "../src/format/layout.ts";
import type { Environment } from "../src/ownership/environment.ts";
import { fileStoreIn } from "../src/store/file-store.ts";

/** A store that is closed at the end of the test. */
export function storeIn(options: FileStoreOptions, environment: Partial<Environment> = {}): FullStore {
  const store = fileStoreIn(options, environment);
  onTestFinished(() => store.close().catch(expectSlow));
  return store;
}

/** Closing may take longer than a short `timeout` on a busy machine: what a test is about is over by then. */
function expectSlow(error: unknown): void {
  if (!isStoreError(error, "KV_FAILED") || !error.message.includes("did not end within")) throw error;
}

/** A store that has changed something, so that its directory is made. */
export async function usedStoreIn(directory: string): Promise<FullStore> {
  const store = storeIn({ directory, durability: "none" });
  await store.set("before", "1");
  return store;
}

/** The path of an entry's file. */
export function fileOf(directory: string, key: string, namespace: readonly string[] = []): string {
  return entryKey(locateNamespace(layoutOf(directory).data, namespace), key).path;
}

/** The path of an entry's lock. */
export function lockOf(directory: string, key: string, namespace: readonly string[] = []): string {
  const { data, locks } = layoutOf(directory);
  return `${locks}/${entryKey(locateNamespace(data, namespace), key).hash}`;
}

/** What a call resolves or rejects with. */
export async function outcomeOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}

export async function listed(listing: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const each of listing) all.push(each);
  return all;
}
