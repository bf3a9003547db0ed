import type { BatchStore, ListableStore, TypedStore } from "@kv/core";

type Texts = TypedStore<string, BatchStore & ListableStore>;

/** The number of keys in one call. */
const pageSize = 250;

/** Lists the entries of a namespace, without those below it. Entries that are removed meanwhile may be missing. */
export async function* entriesOf(texts: Texts): AsyncGenerator<[key: string, value: string], void> {
  for await (const keys of pagesOf(texts.keys())) {
    const values = await texts.getMany(keys);
    for (const [at, key] of keys.entries()) {
      const value = values[at];
      if (value !== undefined) yield [key, value];
    }
  }
}

/** Removes the entries of a namespace, without those below it. */
export async function deleteOwnKeys(texts: Texts): Promise<void> {
  for await (const keys of pagesOf(texts.keys())) await texts.deleteMany(keys);
}

async function* pagesOf(keys: AsyncIterable<string>): AsyncGenerator<string[], void> {
  let page: string[] = [];
  for await (const key of keys) {
    page.push(key);
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
