import { Buffer } from "node:buffer";
import { startStandalone } from "@kv/test-servers";
import { soak } from "@kv/test-support";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { keySlot } from "../src/keys/key-slot.ts";

test.each<[key: string, slot: number]>([
  ["", 0],
  ["123456789", 12_739], // CRC-16 (XMODEM) is 0x31c3, as its specification has it
  ["foo", 12_182],
  ["bar", 5_061],
  ["user1000", 3_443],
  ["{user1000}.following", 3_443],
  ["{user1000}.followers", 3_443],
  ["foo{bar}{zap}", 5_061],
  ["foo{}{bar}", 8_363], // an empty tag is none
  ["foo{{bar}}zap", 4_015], // of "{bar"
  ["{foo", 13_308],
  ["foo}", 15_679],
  ["}foo{bar}", 5_061],
  ["}{bar", 13_139],
  ["{}", 15_257],
  ["KV/sessions/eu:the key", 14_336],
  ["ключ 🗝", 13_167],
])("S4 the slot of a key is the one that servers find: %j", expectSlot);

test("S4 the slot of a key is the one that servers find: 100,000 characters", () => {
  expectSlot("x".repeat(100_000), 2_155);
});

describe.each(["redis", "valkey"] as const)("compared with %s", async (kind) => {
  const node = await startStandalone({ kind, args: ["--cluster-enabled", "yes"] });
  afterAll(() => node.stop());

  const slotOf = async (key: Uint8Array): Promise<number> =>
    Number(await node.command("CLUSTER", "KEYSLOT", key));

  const braces = fc.string({ unit: fc.constantFrom("{", "}", "a", "é"), maxLength: 12 });
  const keys = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .oneof(
        braces,
        fc.string({ unit: "binary", maxLength: 40 }),
        fc
          .tuple(fc.string({ unit: "grapheme" }), braces, fc.nat({ max: 100_000 }))
          .map(([text, some, length]) => `${text}${some}${"x".repeat(length)}${some}`),
      )
      .map((key) => new Uint8Array(Buffer.from(key))),
  );

  test(`S4 ${kind}: the slot of any key is the one that the server finds`, { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (key) => {
        expect(keySlot(Buffer.from(key))).toBe(await slotOf(key));
      }),
      { numRuns: soak ? 5_000 : 500, includeErrorInReport: true },
    );
  });
});

function expectSlot(key: string, slot: number): void {
  expect(keySlot(key)).toBe(slot);
  expect(keySlot(Buffer.from(key))).toBe(slot);
}
