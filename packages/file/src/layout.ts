import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { join } from "node:path";

export const markerName = "kv-store";

type Part = "directory" | "marker" | "data" | "locks" | "owners" | "trash" | "spare";
export type Layout = Readonly<Record<Part, string>>;

/** Where things lie in the directory of a store, frozen (N7). */
export function layoutOf(directory: string): Layout {
  const at = (name: string): string => join(directory, name);
  return {
    directory,
    marker: at(markerName), // says that the directory is a store's, and of which version
    data: at("data"), // the root namespace
    locks: at("locks"), // for each key that is being changed a link to the `id` of the owner that changes it
    owners: at("owners"), // a directory for each store that is open somewhere and has changed something
    trash: at("trash"), // what was moved away and is being removed
    spare: at("spare"), // a directory for an owner that finds no room for one
  };
}

/** Where a namespace lies. */
export interface Place {
  readonly directory: string;
  /**
   * What the address of each of its entries begins with. The address stands in the entry's file: `sessions/eu:the key`.
   * The names of the path are encoded as by `encodeURIComponent`, so the first `:` ends the path, and no two paths and
   * no path and key meet.
   */
  readonly addressPrefix: string;
}

// In the directory of a namespace: entries by the beginning of their hash, direct children, and an empty directory that
// stands for this making of the namespace, until a `deleteAll`: no other one ever has a directory of that name.
export const entriesName = "d";
export const childrenName = "n";
export const generationPattern: RegExp = /^g-[0-9a-f]{16}$/;

export function placeOf(data: string, path: readonly string[]): Place {
  return {
    directory: join(data, ...path.flatMap((name) => [childrenName, encodeName(name)])),
    addressPrefix: `${path.map(encodeURIComponent).join("/")}:`,
  };
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

/** Where the file of an entry belongs. */
export interface EntryFile {
  readonly place: Place;
  readonly hash: string;
  /** One of 256 directories, as one of a million files is slow. */
  readonly folder: string;
  readonly path: string;
}

export function entryFile(place: Place, entryHash: string, address = ""): EntryKey {
  const folder = `${place.directory}/${entriesName}/${entryHash.slice(0, 2)}`;
  return { place, hash: entryHash, folder, path: `${folder}/${entryHash}`, address };
}

/** An entry's file, and what must stand in it. */
export interface EntryKey extends EntryFile {
  readonly address: string;
}

export function entryKey(place: Place, key: string): EntryKey {
  const address = place.addressPrefix + key;
  return entryFile(place, hashOf(address), address);
}

const longestName = 80;

/**
 * The name of a child's directory: safe where case and composition of letters do not count, and on Windows. The
 * addresses of its entries say the name itself.
 */
function encodeName(name: string): string {
  const bytes = Buffer.from(name).toString("latin1");
  const hex = (byte: string): string => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  const encoded = `n-${bytes.replaceAll(/[^a-z0-9_-]/g, hex)}`;
  return encoded.length <= longestName ? encoded : `h-${hash("sha256", name, "hex")}`;
}
