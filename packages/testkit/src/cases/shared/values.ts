import type { Value } from "@kv/core";
import { utf8 } from "@kv/core/driver";

/** Lengths at which stores change their ways: nothing, a byte, around a page, a buffer pool and a chunk of a stream. */
export const lengths: readonly number[] = [
  0, 1, 2, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 1_048_576, 1_048_577,
];

/** Text that a store may well take for something else: a number, JSON, a word of the language, another spelling. */
export const texts: readonly string[] = [
  "",
  " ",
  " \t\r\n",
  "0",
  "42",
  "007",
  "1e3",
  "-0",
  "NaN",
  "9007199254740993",
  "null",
  "undefined",
  "true",
  '"quoted"',
  '{"a":1}',
  '{ "a": 1 }',
  "[1,2]",
  "1,2,3",
  '{"type":"Buffer","data":[1,2]}',
  "[object Object]",
  "AAEC/w==", // base64
  ":base64:aGVsbG8=",
  "deadbeef",
  "%41%20",
  "line\nbreak\r\nand\u0000NUL",
  "\ufeffbyte order mark",
  "Käse 漢字 \u{1f600}",
  "Käse", // Latin-1 would do
  "e\u0301 and \u00e9",
  "\ufffd",
  "\uffff\u{10ffff}",
];

/** Returns bytes in which a shifted, repeated or missing piece shows. */
export function patterned(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = at * 31 + (at >> 8) * 7 + length;
  return bytes;
}

/** What an array is filled with by whoever owns it. No value consists of it. */
export const spoiledByte = 0x21;

/** A value as a caller may pass it. */
export interface PassedValue {
  readonly value: Value;
  /** The bytes that it stands for. */
  readonly bytes: Uint8Array;
  /** The same value in the other form: bytes as the text that they spell. */
  readonly otherForm?: Value;
  /** Does to the value, once it was passed, what its owner may do. Without it there is nothing to be done. */
  readonly spoil?: () => void;
}

/** Makes a value of each look: one array must not serve two calls, for it is spoiled. */
export const passedValues: ReadonlyMap<string, () => PassedValue> = new Map<string, () => PassedValue>([
  ...texts.flatMap((text): [string, () => PassedValue][] => [
    [`the text ${JSON.stringify(text)}`, () => ({ value: text, bytes: utf8(text) })],
    [`the UTF-8 of ${JSON.stringify(text)}`, () => ({ ...changed(utf8(text)), otherForm: text })],
  ]),
  ...[0, 1, 3_000, 100_000, 1_048_577].map((length): [string, () => PassedValue] => [
    `${length} bytes`,
    () => changed(patterned(length)),
  ]),
  ["all bytes", () => changed(Uint8Array.from({ length: 512 }, (_, at) => (at < 256 ? at : 511 - at)))],
  ["no UTF-8", () => changed(Uint8Array.of(0xff, 0, 0xfe, 0x80, 0xc3))],
  ["a view of the start of a buffer", () => changed(new Uint8Array(patterned(64).buffer, 0, 9))],
  ["a view into a buffer", () => changed(new Uint8Array(patterned(64).buffer, 7, 9))],
  ["a view of the end of a buffer", () => changed(new Uint8Array(patterned(64).buffer, 55))],
  ["an empty view into a buffer", () => changed(new Uint8Array(patterned(64).buffer, 7, 0))],
  ["a long view into a buffer", () => changed(new Uint8Array(patterned(200_001).buffer, 1, 100_000))],
  ["a Buffer of the pool", () => changed(Buffer.from("a small Buffer"))],
  ["a long Buffer", () => changed(Buffer.from(patterned(20_000)))],
  ["a part of a Buffer", () => changed(Buffer.from("a small Buffer").subarray(2, 7))],
  ["an empty Buffer", () => changed(Buffer.alloc(0))],
  ["shared memory", () => changed(filled(new Uint8Array(new SharedArrayBuffer(40), 8, 24)))],
  ["an array whose buffer is handed over", () => handedOver(patterned(24))],
  ["a long array whose buffer is handed over", () => handedOver(patterned(100_000))],
]);

/** An array all of whose buffer changes. */
function changed(value: Uint8Array): PassedValue {
  const bytes = Uint8Array.from(value);
  return {
    value,
    bytes,
    spoil: () => new Uint8Array(value.buffer, value.byteOffset, value.length).fill(spoiledByte),
  };
}

/** An array that is empty as soon as its buffer has gone to another thread. */
function handedOver(value: Uint8Array<ArrayBuffer>): PassedValue {
  const bytes = value.slice();
  return { value, bytes, spoil: () => structuredClone(value.buffer, { transfer: [value.buffer] }) };
}

function filled<A extends Uint8Array>(array: A): A {
  array.set(patterned(array.length));
  return array;
}
