import { Buffer, isAscii } from "node:buffer";
import type { DriverValue } from "@kv/core/driver";
import type { Argument } from "../transport/transport.ts";

/** For longer values a check for ASCII costs more than it saves. */
const maxInspectedBytes = 2 * 1024;

/**
 * Encodes a value as a command's argument, a copy of the caller's bytes (S3). Clients write strings faster than buffers, and one
 * buffer slows down the whole command, so bytes that are plain ASCII go as a string.
 */
export function encodeValue(value: DriverValue): Argument {
  if (typeof value === "string") return value;
  if (value.length > maxInspectedBytes || !isAscii(value)) return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
}

/**
 * Decodes a reply, `null` where there is no entry, into bytes over a buffer that holds nothing else (S3). Most replies are views
 * of a chunk that came from the socket, and are copied. A reply that came in several chunks was put together by the client in
 * a buffer of its own, which becomes the caller's.
 */
export function decodeReply(reply: unknown): Uint8Array | undefined {
  if (reply === null) return undefined;
  const bytes = reply as Buffer;
  return bytes.length === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}
