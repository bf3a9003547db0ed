import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addToInteger, lenientJson, sameBytes, utf8 } from "../src/driver.ts";
import { bytes, json, type StandardSchema, text } from "../src/index.ts";
import { isBytesCodec } from "../src/values/codec.ts";
import { unfaithfulPart } from "../src/values/json-faithful.ts";

test("S1 a text is its UTF-8, of any length", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 50 }), (value) => {
      expect(Buffer.from(value).equals(utf8(value))).toBe(true);
    }),
  );
});

test("A3 bytes are the same where length and each of them are", () => {
  const some = fc.array(fc.nat(2), { maxLength: 3 });
  fc.assert(
    fc.property(some, some, (a, b) => {
      expect(sameBytes(Uint8Array.from(a), Uint8Array.from(b))).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: 1_000 },
  );
});

describe("A1 adding to an integer in decimal text", () => {
  const refused = expect.objectContaining({ code: "KV_NOT_AN_INTEGER" });

  test("gives the sum of safe integers, or refuses it where it is none", () => {
    const integer = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -20, max: 20 }));
    fc.assert(
      fc.property(integer, integer, (stored, by) => {
        const add = (): number => addToInteger(utf8(`${stored}`), by);
        if (Number.isSafeInteger(stored + by)) expect(add()).toBe(stored + by);
        else expect(add).toThrow(refused);
      }),
    );
  });

  test.each([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])("takes %d, and nothing beyond", (last) => {
    expect(addToInteger(`${last}`, 0)).toBe(last);
    expect(() => addToInteger(`${last}`, Math.sign(last))).toThrow(refused);
    expect(() => addToInteger(`${BigInt(last) + BigInt(Math.sign(last))}`, 0)).toThrow(refused);
    expect(() => addToInteger(`${last}0`, 0)).toThrow(refused);
    expect(() => addToInteger(`${BigInt(last) + BigInt(Math.sign(last))}`, -9 * Math.sign(last))).toThrow(
      refused,
    );
  });

  test("counts from 0 where nothing is", () => {
    expect(addToInteger(undefined, -5)).toBe(-5);
  });

  test.each([
    "",
    "-",
    "-0",
    "00",
    "01",
    "-01",
    "--1",
    "+1",
    " 1",
    "1 ",
    "1.5",
    "1e3",
    "5/",
    "5:",
    "٣",
    "NaN",
  ])("refuses %j", (stored) => {
    expect(() => addToInteger(stored, 1)).toThrow(refused);
  });
});

describe("JSON", () => {
  class Money {
    readonly since = new Date(0);
    toJSON(): number {
      return 250;
    }
  }

  test.each<[value: unknown, change: string | undefined]>([
    [Number.NaN, "it is NaN"],
    [Symbol("a"), "it is a symbol"],
    [[1, undefined], "1 is undefined"],
    [{ rates: [1, Number.POSITIVE_INFINITY] }, "rates.1 is Infinity"],
    [{ a: 1, b: { c: () => 1 } }, "b.c is a function"],
    [{ at: { from: new Date(0) } }, "at.from is a Date"],
    [{ a: undefined, b: [null, true, "", -1.5] }, undefined],
    [{ price: new Money() }, undefined],
  ])("of %o changes: %s", (value, change) => {
    expect(unfaithfulPart(value)).toBe(change);
  });

  test("what it cannot write is refused, with the reason as the cause where there is one", () => {
    for (const codec of [json(), lenientJson()]) {
      expect(() => codec.encode(5n)).toThrow(
        expect.objectContaining({ code: "KV_INVALID_VALUE", cause: expect.any(TypeError) }),
      );
      expect(() => codec.encode(undefined)).toThrow(expect.objectContaining({ code: "KV_INVALID_VALUE" }));
    }
  });

  test("that is lenient writes what JSON.stringify makes of a value, and reads it", () => {
    const codec = lenientJson();
    expect(codec.encode({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
    expect(codec.decode(utf8('{"at":1}'))).toEqual({ at: 1 });
  });

  const places = Array.from({ length: 12 }, (_, at) => ({ message: "no", path: ["list", { key: at }] }));

  test.each([
    [[{ message: "no" }, { message: "no", path: [] }], "schema."],
    [[{ message: "no", path: ["a"] }, { message: "no" }, { message: "no", path: ["a"] }], "schema at a."],
    [places, `schema at ${Array.from({ length: 10 }, (_, at) => `list.${at}`).join(", ")}.`],
  ])("E2 what a schema refuses is told by the places alone, ten at most", (issues, end) => {
    const schema: StandardSchema<unknown> = {
      "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) },
    };
    expect(() => json(schema).encode(1)).toThrow(
      expect.objectContaining({ message: `The value does not fit its ${end}` }),
    );
  });
});

test.each([
  ["bytes", bytes, true],
  ["text", text, false],
  ["one that says it is none", { ...text, isBytes: false }, false],
])("the codec of values as they are is told from others: %s", (_name, codec, isBytes) => {
  expect(isBytesCodec(codec)).toBe(isBytes);
});
