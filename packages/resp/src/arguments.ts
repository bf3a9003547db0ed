import { Buffer, isAscii } from "node:buffer";
import type { DriverValue } from "@kv/core/driver";
import type { Argument } from "./transport.ts";

/** Up to here it pays to look whether bytes are ASCII. */
const longestLookedAtBytes = 2 * 1024;

/**
 * A value as a client takes it, a copy of the caller's bytes (S3). Clients write strings faster than buffers, and one
 * buffer slows down the whole command, so bytes that are plain ASCII go as a string.
 */
export function valueArgument(value: DriverValue): Argument {
  if (typeof value === "string") return value;
  if (value.length > longestLookedAtBytes || !isAscii(value)) return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
}

/**
 * The bytes of a reply, over a buffer that holds nothing else (S3). Most replies are views of what came in together, and
 * are copied; one that came in pieces was put together by the client, in a buffer that is given away as it is.
 */
export function bytesOfReply(reply: Buffer): Uint8Array {
  return reply.length === reply.buffer.byteLength ? new Uint8Array(reply.buffer) : new Uint8Array(reply);
}
