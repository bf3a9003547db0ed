import { isStoreError, type StoreError } from "@kv/core";
import type { Answer } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";
import type { Access } from "../calls/lanes.ts";
import { isDirectory, listDirectory } from "../disk/file-operations.ts";
import { type Gensync, run } from "../disk/gensync.ts";
import type { FileContext } from "../entries/context.ts";
import type { EntryHeader } from "../entries/entry-reader.ts";
import { wrongEntry } from "../errors/errors.ts";
import {
  childrenName,
  type EntryFile,
  entriesName,
  entryFile,
  hashPattern,
  keyOf,
  locateNamespace,
  type NamespaceLocation,
  pathOf,
  prefixOf,
} from "../format/layout.ts";

/** An entry without its value, and its file. */
type ListedEntry = EntryHeader & { readonly file: EntryFile };

const firstPageLength = 16; // those who only look at the beginning do not wait for more
const maxPageLength = 256;

/**
 * Lists the live keys of a namespace. Only the names in one bucket of its 256 are in memory at a time. A damaged entry
 * does not hide the others: it is reported when they have been listed.
 */
export async function* listKeys(context: FileContext, location: NamespaceLocation): AsyncIterable<string[]> {
  await runStep(context, "read", () => context.directory.open());
  let page: string[] = [];
  let pageLength = firstPageLength;
  let damage: StoreError | undefined;
  for await (const address of liveAddresses(context, location)) {
    if (isStoreError(address)) damage ??= address;
    else page.push(keyOf(address));
    if (page.length < pageLength) continue;
    yield page;
    page = [];
    pageLength = Math.min(pageLength * 2, maxPageLength);
  }
  if (page.length > 0) yield page;
  if (damage !== undefined) throw damage;
}

/**
 * Lists the names of the direct children that hold a live entry. Damage is reported when all others have been listed, and
 * only of children that hold nothing else.
 */
export async function* listNamespaces(
  context: FileContext,
  location: NamespaceLocation,
): AsyncIterable<string[]> {
  await runStep(context, "read", () => context.directory.open());
  const depth = pathOf(location.addressPrefix).length;
  let damage: StoreError | undefined;
  for (const child of await childNamespaces(context, location)) {
    const address = await findLiveAddress(context, child);
    if (isStoreError(address)) damage ??= address;
    else if (address !== undefined) yield pathOf(address).slice(depth, depth + 1);
  }
  if (damage !== undefined) throw damage;
}

/** Lists the files of entries in a namespace. Only the names in one bucket are in memory at a time, and nothing is open. */
export async function* entryFiles(
  context: FileContext,
  location: NamespaceLocation,
): AsyncIterable<EntryFile> {
  const all = `${location.directory}/${entriesName}`;
  for (const bucket of await listNames(context, all)) {
    if (!/^[0-9a-f]{2}$/.test(bucket)) continue;
    for (const hash of await listNames(context, `${all}/${bucket}`)) {
      // Files with other names are not entries.
      if (hashPattern.test(hash)) yield entryFile(location, hash);
    }
  }
}

/** Reads the headers of the entries of a namespace. Of a damaged one, yields the error. */
export async function* entryHeaders(
  context: FileContext,
  location: NamespaceLocation,
): AsyncIterable<ListedEntry | StoreError> {
  for await (const file of entryFiles(context, location)) {
    try {
      const entry = await runStep(context, "read", () => context.reader.readHeader(file));
      if (entry !== undefined) yield { file, ...entry };
    } catch (error) {
      if (!isDamage(error)) throw error;
      yield error;
    }
  }
}

/** Lists the directories of the direct children, which may be empty. */
export async function childNamespaces(
  context: FileContext,
  location: NamespaceLocation,
): Promise<NamespaceLocation[]> {
  const all = `${location.directory}/${childrenName}`;
  const children: NamespaceLocation[] = [];
  for (const name of await listNames(context, all)) {
    const child = { directory: `${all}/${name}`, addressPrefix: "" };
    const { pooled } = context.directory.disk;
    if (await runStep(context, "read", () => isDirectory(pooled, child.directory))) children.push(child);
  }
  return children;
}

/** Runs a step of long work as a call of its own: others come in between. */
export function runStep<T>(
  { queue }: FileContext,
  access: Access,
  work: (call: Call) => Gensync<T>,
): Answer<T> {
  return queue.runStep(access, (call) => run(work(call), call));
}

function listNames(context: FileContext, path: string): Answer<string[]> {
  return runStep(context, "read", () => listDirectory(context.directory.disk.pooled, path));
}

/** Lists the addresses of the live entries of a namespace. Of a damaged one, yields the error. */
async function* liveAddresses(
  context: FileContext,
  location: NamespaceLocation,
): AsyncIterable<string | StoreError> {
  const { data } = context.directory.layout;
  let ownPrefix = location.addressPrefix;
  for await (const entry of entryHeaders(context, location)) {
    if (isStoreError(entry)) {
      yield entry;
      continue;
    }
    const prefix = prefixOf(entry.address);
    const isHere =
      prefix === ownPrefix || locateNamespace(data, pathOf(prefix)).directory === location.directory;
    if (isHere) ownPrefix = prefix;
    if (!isHere) yield wrongEntry(entry.file.path);
    else if (entry.expiresAtMs > context.now()) yield entry.address;
  }
}

/** Returns the address of a live entry in a namespace or below it; where there is none, the first error. */
async function findLiveAddress(
  context: FileContext,
  location: NamespaceLocation,
): Promise<string | StoreError | undefined> {
  let damage: StoreError | undefined;
  for await (const address of liveAddresses(context, location)) {
    if (typeof address === "string") return address;
    damage ??= address;
  }
  for (const child of await childNamespaces(context, location)) {
    const address = await findLiveAddress(context, child);
    if (typeof address === "string") return address;
    damage ??= address;
  }
  return damage;
}

/** Tells whether an error is about the entry itself, and not about the disk. */
export function isDamage(error: unknown): error is StoreError {
  return isStoreError(error, "KV_CORRUPT") || isStoreError(error, "KV_FAILED");
}
