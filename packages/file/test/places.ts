import type { FullStore } from "@kv/core";
import type { FileStoreOptions } from "@kv/file";
import { onTestFinished } from "vitest";
import { fileStoreIn } from "../src/file-store.ts";
import { entryKey, layoutOf, placeOf } from "../src/layout.ts";
import type { Surroundings } from "../src/session.ts";

/** A store that the test closes at its end. */
export function storeIn(options: FileStoreOptions, surroundings: Partial<Surroundings> = {}): FullStore {
  const store = fileStoreIn(options, surroundings);
  onTestFinished(() => store.close());
  return store;
}

/** Another owner in the root namespace: whoever changes something there then is not alone, and takes locks. */
export async function companyIn(directory: string): Promise<FullStore> {
  const options = { directory, durability: "none" } as const;
  const first = fileStoreIn(options, {});
  const company = fileStoreIn(options, {});
  await first.set("company", "1");
  await company.set("company", "1"); // it is not alone, so those who come leave it where it is
  await first.close();
  return company;
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
