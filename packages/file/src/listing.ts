import { isStoreError } from "@kv/core";
import type { Backend } from "./backend.ts";
import { listed } from "./directories.ts";
import type { EntryFile, Identified } from "./entries.ts";
import { anotherEntry } from "./errors.ts";
import { run } from "./io.ts";
import { childrenName, entriesName, hashPattern, keyOf, type Place, pathOf } from "./layout.ts";

const firstPageLength = 16; // those who only look at the beginning do not wait for more
const longestPageLength = 256;

/** The live keys of a namespace. Only the names in one folder of its 256 are in memory at a time. */
export async function* listKeys(backend: Backend, place: Place): AsyncIterable<string[]> {
  const { session, entries } = backend;
  await run(session.open());
  let page: string[] = [];
  let pageLength = firstPageLength;
  for await (const { file, found } of identified(backend, place)) {
    if (!found.address.startsWith(place.addressPrefix)) throw anotherEntry(file.path);
    if (found.expiresAtMs <= entries.now()) continue;
    page.push(keyOf(found.address));
    if (page.length === pageLength) {
      yield page;
      page = [];
      pageLength = Math.min(pageLength * 2, longestPageLength);
    }
  }
  if (page.length > 0) yield page;
}

/** The names of the direct children that hold something that has not expired. */
export async function* listNamespaces(backend: Backend, place: Place): AsyncIterable<string[]> {
  await run(backend.session.open());
  const depth = pathOf(place.addressPrefix).length;
  for (const child of await childrenOf(backend, place)) {
    const address = await liveAddressIn(backend, child);
    const name = address === undefined ? undefined : pathOf(address)[depth];
    if (name !== undefined) yield [name];
  }
}

/** The files of the entries of a namespace. */
export async function* entryFiles(backend: Backend, place: Place): AsyncIterable<EntryFile> {
  const { later } = backend.session.around.disk;
  const all = `${place.directory}/${entriesName}`;
  for (const folder of await run(listed(later, all))) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    // All the names at once: a listing that is left or paused holds nothing open, and comes to an end.
    for (const hash of await run(listed(later, `${all}/${folder}`))) {
      // What is called otherwise is no entry.
      if (hashPattern.test(hash)) yield { place, hash, path: `${all}/${folder}/${hash}` };
    }
  }
}

/** The direct children, as far as their directories say. */
export async function childrenOf(backend: Backend, place: Place): Promise<Place[]> {
  const all = `${place.directory}/${childrenName}`;
  const names = await run(listed(backend.session.around.disk.later, all));
  return names.map((name) => ({ directory: `${all}/${name}`, addressPrefix: "" }));
}

async function* identified(
  backend: Backend,
  place: Place,
): AsyncIterable<{ file: EntryFile; found: Identified }> {
  const { entries, order } = backend;
  const slice = order.turns.slice();
  for await (const file of entryFiles(backend, place)) {
    if (slice.isOver()) await slice.next();
    const answer = run(entries.identify(file));
    const found = answer instanceof Promise ? await answer : answer;
    if (found !== undefined) yield { file, found };
  }
}

/** The address of something live in a namespace or below it. Damage is told of only where there is nothing else. */
async function liveAddressIn(backend: Backend, place: Place): Promise<string | undefined> {
  const { entries, order } = backend;
  const slice = order.turns.slice();
  let damage: unknown;
  for await (const file of entryFiles(backend, place)) {
    if (slice.isOver()) await slice.next();
    try {
      const answer = run(entries.identify(file));
      const found = answer instanceof Promise ? await answer : answer;
      if (found !== undefined && found.expiresAtMs > entries.now()) return found.address;
    } catch (error) {
      if (!isStoreError(error, "KV_CORRUPT")) throw error;
      damage ??= error;
    }
  }
  for (const child of await childrenOf(backend, place)) {
    const address = await liveAddressIn(backend, child);
    if (address !== undefined) return address;
  }
  if (damage !== undefined) throw damage;
  return undefined;
}
