import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { join } from "node:path";

export const markerName = "kv-store";

type Part = "directory" | "marker" | "data" | "locks" | "owners" | "trash" | "spare";
/** The paths in the directory of a store. */
export type Layout = Readonly<Record<Part, string>>;

/** Returns the paths in the directory of a store, frozen (N7). */
export function layoutOf(directory: string): Layout {
  const at = (name: string): string => join(directory, name);
  return {
    directory,
    marker: at(markerName), // says that the directory is a store's, and of which version
    data: at("data"), // the root namespace
    locks: at("locks"), // for each key that is being changed a link to the `id` of the owner that changes it
    owners: at("owners"), // a directory for each store that is open somewhere and has changed something
    trash: at("trash"), // what was moved away and is being removed
    spare: at("spare"), // a directory for an owner that has no room to make one
  };
}

/** The location of a namespace on the disk. */
export interface NamespaceLocation {
  readonly directory: string;
  /**
   * The beginning of the addresses of its entries. The address is in the entry's file: `sessions/eu:the key`.
   * The names of the path are encoded as by `encodeURIComponent`, so the first `:` ends the path, and no two paths and
   * no path and key meet.
   */
  readonly addressPrefix: string;
}

// In the directory of a namespace: entries by the beginning of their hash, direct children, and the generation, an empty
// directory that lasts until a `deleteAll`: none ever has the same name again.
export const entriesName = "d";
export const childrenName = "n";
export const generationPattern: RegExp = /^g-[0-9a-f]{16}$/;

/** Returns where the namespace of a path is. */
export function locateNamespace(data: string, path: readonly string[]): NamespaceLocation {
  return {
    directory: join(data, ...path.flatMap((name) => [childrenName, encodeName(name)])),
    addressPrefix: `${path.map(encodeURIComponent).join("/")}:`,
  };
}

/** Returns the key in an address. */
export function keyOf(address: string): string {
  return address.slice(prefixOf(address).length);
}

/** Returns the part of an address that all entries of a namespace share. */
export function prefixOf(address: string): string {
  return address.slice(0, address.indexOf(":") + 1);
}

/** Returns the path of the namespace in an address. */
export function pathOf(address: string): string[] {
  const path = prefixOf(address).slice(0, -1);
  return path === "" ? [] : path.split("/").map(decodeURIComponent);
}

/** Returns the name of an entry's file and lock. */
export function hashOf(address: string): string {
  return hash("sha256", address, "hex");
}

export const hashPattern: RegExp = /^[0-9a-f]{64}$/;

/** The place that belongs to the file of an entry. */
export interface EntryFile {
  readonly namespace: NamespaceLocation;
  readonly hash: string;
  /** One of 256 directories, as one of a million files is slow. */
  readonly bucket: string;
  readonly path: string;
}

/** Returns the file of an entry of which only the hash is known. */
export function entryFile(namespace: NamespaceLocation, entryHash: string): EntryFile {
  const bucket = `${namespace.directory}/${entriesName}/${entryHash.slice(0, 2)}`;
  return { namespace, hash: entryHash, bucket, path: `${bucket}/${entryHash}` };
}

/** An entry's file, and the address that must be in it. */
export interface EntryKey extends EntryFile {
  readonly address: string;
}

/** Returns the file of a key's entry. */
export function entryKey(namespace: NamespaceLocation, key: string): EntryKey {
  const address = namespace.addressPrefix + key;
  const entryHash = hashOf(address);
  const bucket = `${namespace.directory}/${entriesName}/${entryHash.slice(0, 2)}`;
  return { namespace, hash: entryHash, bucket, path: `${bucket}/${entryHash}`, address };
}

const maxNameLength = 80;

/**
 * Encodes a name as that of a directory: safe where case and composition of letters do not count, and on Windows. The
 * addresses of its entries hold the name itself.
 */
function encodeName(name: string): string {
  const bytes = Buffer.from(name).toString("latin1");
  const hex = (byte: string): string => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  const encoded = `n-${bytes.replaceAll(/[^a-z0-9_-]/g, hex)}`;
  return encoded.length <= maxNameLength ? encoded : `h-${hash("sha256", name, "hex")}`;
}
