import { bytesOf } from "@kv/core/driver";

/** What stands at a key of the response cache. */
export type CacheEntry = StoredResponse | VaryRule | Pending | Pass;

export interface StoredResponse {
  readonly kind: "response";
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** By the wall clock, which the processes share. */
  readonly storedAtMs: number;
  /** How old it was when it was stored, in seconds. */
  readonly initialAge: number;
  readonly freshForMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The responses of this URL depend on request headers, and lie at keys that have them and the token. */
export interface VaryRule {
  readonly kind: "vary";
  readonly token: string;
  readonly vary: readonly string[];
}

/** Somebody computes the response. */
export interface Pending {
  readonly kind: "pending";
  readonly token: string;
}

/** The response could not be stored of late: nobody need wait for another. */
export interface Pass {
  readonly kind: "pass";
}

const lineBreak = 10;

/** JSON, and after a line break, which JSON in one line has not, the body. */
export function writeEntry(entry: CacheEntry): Uint8Array<ArrayBuffer> {
  const { body = new Uint8Array(), ...head } = { body: undefined, ...entry };
  const json = bytesOf(`${JSON.stringify(head)}\n`);
  const bytes = new Uint8Array(json.length + body.length);
  bytes.set(json);
  bytes.set(body, json.length);
  return bytes;
}

/** What cannot be read, of a later version perhaps, is passed by. */
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
