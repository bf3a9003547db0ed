import { type Bytes, StoreError } from "@kv/core";
import { type BoundCodec, bytesOf } from "@kv/core/driver";

/** The stored form of a session: its absolute expiry as text, a line break, and the encoded data. */
export interface SessionRecord {
  /** By the wall clock, which processes share; `Infinity` for never. */
  readonly absoluteExpiryMs: number;
  readonly encodedData: Bytes;
}

const lineBreak = 10;

/** Encodes a session. */
export async function writeRecord<Data>(
  absoluteExpiryMs: number,
  data: Data,
  codec: BoundCodec<Data>,
): Promise<Uint8Array> {
  const head = bytesOf(`${absoluteExpiryMs}\n`);
  const encoded = bytesOf(await codec.encode("a write of a session", data));
  const record = new Uint8Array(head.length + encoded.length);
  record.set(head);
  record.set(encoded, head.length);
  return record;
}

/**
 * Decodes a session.
 *
 * @throws StoreError `KV_INVALID_VALUE` for an entry that is not a session
 */
export function readRecord(record: Bytes): SessionRecord {
  const end = record.indexOf(lineBreak);
  const absoluteExpiryMs = end > 0 ? Number(new TextDecoder().decode(record.subarray(0, end))) : Number.NaN;
  if (Number.isNaN(absoluteExpiryMs))
    throw new StoreError("KV_INVALID_VALUE", "The stored entry is not a session.");
  return { absoluteExpiryMs, encodedData: record.slice(end + 1) };
}
