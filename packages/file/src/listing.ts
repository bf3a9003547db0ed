import { isStoreError, type StoreError } from "@kv/core";
import type { Backend } from "./backend.ts";
import { listed } from "./directories.ts";
import type { Identified } from "./entry-reader.ts";
import { anotherEntry } from "./errors.ts";
import type { Files } from "./files.ts";
import { answered, type Io, run } from "./io.ts";
import {
  childrenName,
  type EntryFile,
  entriesName,
  hashPattern,
  keyOf,
  type Place,
  pathOf,
  placeOf,
  prefixOf,
} from "./layout.ts";

const firstPageLength = 16; // those who only look at the beginning do not wait for more
const longestPageLength = 256;

/**
 * The live keys of a namespace. Only the names in one folder of its 256 are in memory at a time. A damaged entry does
 * not hide the others: it is told of when they have been listed.
 */
export async function* listKeys(backend: Backend, place: Place): AsyncIterable<string[]> {
  const { session, entries } = backend;
  await run(session.open());
  let page: string[] = [];
  let pageLength = firstPageLength;
  const damage: Damage = { first: undefined };
  for await (const found of identified(backend, place, damage)) {
    if (found.expiresAtMs <= entries.now()) continue;
    page.push(keyOf(found.address));
    if (page.length === pageLength) {
      yield page;
      page = [];
      pageLength = Math.min(pageLength * 2, longestPageLength);
    }
  }
  if (page.length > 0) yield page;
  if (damage.first !== undefined) throw damage.first;
}

/**
 * The names of the direct children that hold something that has not expired. Damage is told of when all others have
 * been listed, and only of children in which nothing else was found.
 */
export async function* listNamespaces(backend: Backend, place: Place): AsyncIterable<string[]> {
  await run(backend.session.open());
  const depth = pathOf(place.addressPrefix).length;
  const damage: Damage = { first: undefined };
  for (const child of await childrenOf(backend, place)) {
    const address = await liveAddressIn(backend, child, damage);
    const name = address === undefined ? undefined : pathOf(address)[depth];
    if (name !== undefined) yield [name];
  }
  if (damage.first !== undefined) throw damage.first;
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

/** The direct children, as far as their directories say. What is no directory is no child. */
export async function childrenOf(backend: Backend, place: Place): Promise<Place[]> {
  const { later } = backend.session.around.disk;
  const all = `${place.directory}/${childrenName}`;
  const children: Place[] = [];
  for (const name of await run(listed(later, all))) {
    const directory = `${all}/${name}`;
    if (await run(isDirectory(later, directory))) children.push({ directory, addressPrefix: "" });
  }
  return children;
}

/** What is wrong with the entries that were looked at: the first of it is told of, at the end. */
interface Damage {
  first: StoreError | undefined;
}

/** The entries of a namespace, but for those that are damaged. */
async function* identified(backend: Backend, place: Place, damage: Damage): AsyncIterable<Identified> {
  const { order, session } = backend;
  const slice = order.turns.slice();
  let belongsHere = place.addressPrefix;
  for await (const file of entryFiles(backend, place)) {
    if (slice.isOver()) await slice.next();
    try {
      const answer = run(backend.entries.reader.identify(file));
      const found = answer instanceof Promise ? await answer : answer;
      if (found === undefined) continue;
      const prefix = prefixOf(found.address);
      if (prefix !== belongsHere) {
        const { directory } = placeOf(session.layout.data, pathOf(found.address));
        if (directory !== place.directory) throw anotherEntry(file.path);
        belongsHere = prefix;
      }
      yield found;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      damage.first ??= error;
    }
  }
}

/** The address of something live in a namespace or below it. Damage counts only where there is nothing else. */
async function liveAddressIn(backend: Backend, place: Place, damage: Damage): Promise<string | undefined> {
  const here: Damage = { first: undefined };
  for await (const found of identified(backend, place, here)) {
    if (found.expiresAtMs > backend.entries.now()) return found.address;
  }
  for (const child of await childrenOf(backend, place)) {
    const address = await liveAddressIn(backend, child, here);
    if (address !== undefined) return address;
  }
  damage.first ??= here.first;
  return undefined;
}

function* isDirectory(files: Files, path: string): Io<boolean> {
  return (yield* answered(files.statAt(path)))?.isDirectory() ?? false;
}
