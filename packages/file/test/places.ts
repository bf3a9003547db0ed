import type { FullStore } from "@kv/core";
import type { FileStoreOptions } from "@kv/file";
import { onTestFinished } from "vitest";
import { fileStoreIn } from "../src/file-store.ts";
import { entryKey, layoutOf, placeOf } from "../src/layout.ts";
import type { Environment } from "../src/store-directory.ts";

/** A store that the test closes at its end. */
export function storeIn(options: FileStoreOptions, environment: Partial<Environment> = {}): FullStore {
  const store = fileStoreIn(options, environment);
  onTestFinished(() => store.close());
  return store;
}

/** A store that has changed something, so that its directory is made. */
export async function usedStoreIn(directory: string): Promise<FullStore> {
  const store = storeIn({ directory, durability: "none" });
  await store.set("before", "1");
  return store;
}

/** The path of an entry's file. */
export function fileOf(directory: string, key: string, namespace: readonly string[] = []): string {
  return entryKey(placeOf(layoutOf(directory).data, namespace), key).path;
}

/** The path of an entry's lock. */
export function lockOf(directory: string, key: string, namespace: readonly string[] = []): string {
  const { data, locks } = layoutOf(directory);
  return `${locks}/${entryKey(placeOf(data, namespace), key).hash}`;
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
