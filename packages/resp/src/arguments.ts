import { Buffer, isAscii } from "node:buffer";
import type { DriverValue } from "@kv/core/driver";
import type { Argument } from "./resp-client.ts";

/** Up to here it pays to look whether bytes are ASCII. */
const longestLookedAtBytes = 2 * 1024;

/**
 * A value as a client takes it. Clients write strings faster than buffers, and one buffer slows down the whole
 * command, so bytes that are plain ASCII go as a string.
 */
export function valueArgument(value: DriverValue): Argument {
  if (typeof value === "string") return value;
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.length);
  return value.length <= longestLookedAtBytes && isAscii(value) ? buffer.toString("latin1") : buffer;
}
