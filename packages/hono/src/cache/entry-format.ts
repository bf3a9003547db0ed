import { bytesOf } from "@kv/core/driver";

/** An entry of the response cache. */
export type CacheEntry = StoredResponse | VaryIndex | Pending | HitForMiss;

/** A response that was stored. */
export interface StoredResponse {
  readonly kind: "response";
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** By the wall clock, which processes share. */
  readonly storedAtMs: number;
  /** Its age when it was stored, in seconds. */
  readonly initialAge: number;
  readonly freshForMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The request headers that the responses of a URL vary on; each is at a key made of their values and the token. */
export interface VaryIndex {
  readonly kind: "vary";
  readonly token: string;
  readonly vary: readonly string[];
}

/** The lock of a request that fetches the response. */
export interface Pending {
  readonly kind: "pending";
  readonly token: string;
}

/** Says that the response could not be stored lately, so that no request waits for another. */
export interface HitForMiss {
  readonly kind: "pass";
}

const lineBreak = 10;

/** Writes an entry as JSON in one line, a line break, and the body. */
export function writeEntry(entry: CacheEntry): Uint8Array<ArrayBuffer> {
  const { body = new Uint8Array(), ...head } = { body: undefined, ...entry };
  const json = bytesOf(`${JSON.stringify(head)}\n`);
  const bytes = new Uint8Array(json.length + body.length);
  bytes.set(json);
  bytes.set(body, json.length);
  return bytes;
}

/** Reads an entry. One that cannot be read, perhaps that of a later version, counts as a hit-for-miss. */
export function readEntry(bytes: Uint8Array<ArrayBuffer>): CacheEntry {
  const end = bytes.indexOf(lineBreak);
  if (end === -1) return { kind: "pass" };
  try {
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as CacheEntry;
    return head.kind === "response" ? { ...head, body: bytes.subarray(end + 1) } : head;
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: "pass" };
    throw error;
  }
}
