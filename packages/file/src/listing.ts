import { isStoreError, type StoreError } from "@kv/core";
import type { Answer } from "@kv/core/driver";
import type { Call, Kind } from "./call-queue.ts";
import type { FileContext } from "./context.ts";
import type { Identified } from "./entry-files.ts";
import { anotherEntry } from "./errors.ts";
import { isDirectory, listed } from "./file-operations.ts";
import { type Gensync, run } from "./gensync.ts";
import {
  childrenName,
  type EntryFile,
  entriesName,
  entryFile,
  hashPattern,
  keyOf,
  type Place,
  pathOf,
  placeOf,
  prefixOf,
} from "./layout.ts";

type Entry = Identified & { readonly file: EntryFile };

const firstPageLength = 16; // those who only look at the beginning do not wait for more
const longestPageLength = 256;

/**
 * The live keys of a namespace. Only the names in one folder of its 256 are in memory at a time. A damaged entry does
 * not hide the others: it is reported when they have been listed.
 */
export async function* listKeys(context: FileContext, place: Place): AsyncIterable<string[]> {
  await step(context, "read", () => context.directory.open());
  let page: string[] = [];
  let pageLength = firstPageLength;
  let damage: StoreError | undefined;
  for await (const found of liveAddresses(context, place)) {
    if (isStoreError(found)) damage ??= found;
    else page.push(keyOf(found));
    if (page.length < pageLength) continue;
    yield page;
    page = [];
    pageLength = Math.min(pageLength * 2, longestPageLength);
  }
  if (page.length > 0) yield page;
  if (damage !== undefined) throw damage;
}

/**
 * The names of the direct children that hold something that has not expired. Damage is reported when all others have
 * been listed, and only of children in which nothing else was found.
 */
export async function* listNamespaces(context: FileContext, place: Place): AsyncIterable<string[]> {
  await step(context, "read", () => context.directory.open());
  const depth = pathOf(place.addressPrefix).length;
  let damage: StoreError | undefined;
  for (const child of await childrenOf(context, place)) {
    const found = await liveAddressIn(context, child);
    if (isStoreError(found)) damage ??= found;
    else if (found !== undefined) yield pathOf(found).slice(depth, depth + 1);
  }
  if (damage !== undefined) throw damage;
}

/** The files of entries in a namespace. The names in one folder of 256 are in memory at a time, and nothing is open. */
export async function* entryFiles(context: FileContext, place: Place): AsyncIterable<EntryFile> {
  const all = `${place.directory}/${entriesName}`;
  for (const folder of await namesIn(context, all)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const hash of await namesIn(context, `${all}/${folder}`)) {
      // What is called otherwise is no entry.
      if (hashPattern.test(hash)) yield entryFile(place, hash);
    }
  }
}

/** The entries that a namespace's files hold, and in the place of those that are damaged what is wrong. */
export async function* identified(context: FileContext, place: Place): AsyncIterable<Entry | StoreError> {
  for await (const file of entryFiles(context, place)) {
    try {
      const found = await step(context, "read", () => context.files.identify(file));
      if (found !== undefined) yield { file, ...found };
    } catch (error) {
      // What is wrong with the entry itself, and not with the disk.
      if (!isDamage(error)) throw error;
      yield error;
    }
  }
}

/** The direct children, as far as their directories say. What is no directory is no child. */
export async function childrenOf(context: FileContext, place: Place): Promise<Place[]> {
  const all = `${place.directory}/${childrenName}`;
  const children: Place[] = [];
  for (const name of await namesIn(context, all)) {
    const child = { directory: `${all}/${name}`, addressPrefix: "" };
    const { later } = context.directory.disk;
    if (await step(context, "read", () => isDirectory(later, child.directory))) children.push(child);
  }
  return children;
}

/** A step of long work, as a call of its own: others come in between. */
export function step<T>({ queue }: FileContext, kind: Kind, work: (call: Call) => Gensync<T>): Answer<T> {
  return queue.step(kind, (call) => run(work(call), call));
}

function namesIn(context: FileContext, path: string): Answer<string[]> {
  return step(context, "read", () => listed(context.directory.disk.later, path));
}

/** The addresses of the live entries of a namespace, and in the place of those that are damaged what is wrong. */
async function* liveAddresses(context: FileContext, place: Place): AsyncIterable<string | StoreError> {
  const { data } = context.directory.layout;
  let belongsHere = place.addressPrefix;
  for await (const found of identified(context, place)) {
    if (isStoreError(found)) {
      yield found;
      continue;
    }
    const prefix = prefixOf(found.address);
    const isHere = prefix === belongsHere || placeOf(data, pathOf(prefix)).directory === place.directory;
    if (isHere) belongsHere = prefix;
    if (!isHere) yield anotherEntry(found.file.path);
    else if (found.expiresAtMs > context.now()) yield found.address;
  }
}

/** The address of something live in a namespace or below it. Where there is none, what is wrong with the first entry. */
async function liveAddressIn(context: FileContext, place: Place): Promise<string | StoreError | undefined> {
  let damage: StoreError | undefined;
  for await (const found of liveAddresses(context, place)) {
    if (typeof found === "string") return found;
    damage ??= found;
  }
  for (const child of await childrenOf(context, place)) {
    const found = await liveAddressIn(context, child);
    if (typeof found === "string") return found;
    damage ??= found;
  }
  return damage;
}

/** Whether an error is about the entry itself, and not about the disk. */
export function isDamage(error: unknown): error is StoreError {
  return isStoreError(error, "KV_CORRUPT") || isStoreError(error, "KV_FAILED");
}
