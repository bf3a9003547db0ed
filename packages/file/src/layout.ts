import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { join } from "node:path";

/** Where things lie in the directory of a store, frozen (N7). */
export interface Layout {
  /** The directory of the store. */
  readonly directory: string;
  /** Says that the directory is a store's, and of which version. */
  readonly marker: string;
  /** The root namespace. */
  readonly data: string;
  /** A file for each key that is being changed: a link to the `id` of the owner that changes it. */
  readonly locks: string;
  /** A directory for each owner: a store that is open somewhere. */
  readonly owners: string;
  /** What was put aside and is to be removed. */
  readonly trash: string;
}

/** Where a namespace lies. */
export interface Place {
  readonly directory: string;
  /** What the address of each of its entries begins with. */
  readonly addressPrefix: string;
}

export function layoutOf(directory: string): Layout {
  const at = (name: string): string => join(directory, name);
  return {
    directory,
    marker: at(markerName),
    data: at("data"),
    locks: at("locks"),
    owners: at("owners"),
    trash: at("trash"),
  };
}

export const markerName = "kv-store";

/** In the directory of a namespace: entries by the beginning of their hash, direct children, directories of owners. */
export const entriesName = "d";
export const childrenName = "n";
export const ownersName = "p";

export function placeOf(data: string, path: readonly string[]): Place {
  return {
    directory: join(data, ...path.flatMap((name) => [childrenName, encodeName(name)])),
    addressPrefix: `${path.map(encodeURIComponent).join("/")}:`,
  };
}

/**
 * The address of an entry, which stands in its file: `sessions/eu:the key`. The names of the path are encoded as
 * by `encodeURIComponent`, so the first `:` ends the path, and no two paths and no path and key meet.
 */
export function addressOf({ addressPrefix }: Place, key: string): string {
  return addressPrefix + key;
}

export function keyOf(address: string): string {
  return address.slice(prefixOf(address).length);
}

/** What the addresses of all entries of a namespace begin with. */
export function prefixOf(address: string): string {
  return address.slice(0, address.indexOf(":") + 1);
}

export function pathOf(address: string): string[] {
  const path = prefixOf(address).slice(0, -1);
  return path === "" ? [] : path.split("/").map(decodeURIComponent);
}

/** The name of an entry's file and lock. */
export function hashOf(address: string): string {
  return hash("sha256", address, "hex");
}

export const hashPattern: RegExp = /^[0-9a-f]{64}$/;

/** The directory that holds an entry's file: one of 256, as directories of a million files are slow. */
export function folderOf({ directory }: Place, entryHash: string): string {
  return `${directory}/${entriesName}/${entryHash.slice(0, 2)}`;
}

export function entryPath(place: Place, entryHash: string): string {
  return `${folderOf(place, entryHash)}/${entryHash}`;
}

/** Where the file of an entry belongs. */
export interface EntryFile {
  readonly place: Place;
  readonly hash: string;
  readonly path: string;
}

/** An entry's file, and what must stand in it. */
export interface EntryKey extends EntryFile {
  readonly address: string;
}

export function entryKey(place: Place, key: string): EntryKey {
  const address = addressOf(place, key);
  const entryHash = hashOf(address);
  return { place, address, hash: entryHash, path: entryPath(place, entryHash) };
}

const longestName = 80;

/**
 * The name of a child's directory: safe where case and composition of letters do not count, and on Windows. The
 * addresses of its entries say the name itself.
 */
function encodeName(name: string): string {
  let encoded = "n-";
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte);
    encoded += /[a-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
  }
  return encoded.length <= longestName ? encoded : `h-${hash("sha256", name, "hex")}`;
}
