import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { decodeReply } from "../src/commands/value-encoding.ts";

describe("S3 the bytes of a reply are over a buffer that holds nothing else", () => {
  test("a view of what came in together is copied", () => {
    const chunk = Buffer.from("$5\r\nvalue\r\n");
    const bytes = decodeReply(chunk.subarray(4, 9)) as Uint8Array;
    chunk.fill(0);
    expect(Buffer.from(bytes).toString()).toBe("value");
    expect(bytes.buffer.byteLength).toBe(5);
  });

  test("what a client put together in a buffer of its own is not", () => {
    const reply = Buffer.concat([Buffer.alloc(3_000, 1), Buffer.alloc(3_000, 2)]);
    const bytes = decodeReply(reply) as Uint8Array;
    expect(bytes.buffer).toBe(reply.buffer);
    expect(bytes.constructor).toBe(Uint8Array);
  });
});
