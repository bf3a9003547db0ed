import { type Bytes, StoreError } from "@kv/core";
import { type BoundCodec, bytesOf } from "@kv/core/driver";

/** What the store keeps of a session: when it ends at the latest, as text, a line break, and the encoded data. */
export interface SessionRecord {
  /** By the wall clock, which the processes share; `Infinity` for never. */
  readonly endsAtMs: number;
  readonly encoded: Bytes;
}

const lineBreak = 10;

export async function writeRecord<Data>(
  endsAtMs: number,
  data: Data,
  codec: BoundCodec<Data>,
): Promise<Uint8Array> {
  const head = bytesOf(`${endsAtMs}\n`);
  const encoded = bytesOf(await codec.encode("a write of a session", data));
  const record = new Uint8Array(head.length + encoded.length);
  record.set(head);
  record.set(encoded, head.length);
  return record;
}

/** @throws StoreError `KV_INVALID_VALUE` for what is no session */
export function readRecord(record: Bytes): SessionRecord {
  const end = record.indexOf(lineBreak);
  const endsAtMs = end > 0 ? Number(new TextDecoder().decode(record.subarray(0, end))) : Number.NaN;
  if (Number.isNaN(endsAtMs)) throw new StoreError("KV_INVALID_VALUE", "The stored entry is no session.");
  return { endsAtMs, encoded: record.slice(end + 1) };
}
