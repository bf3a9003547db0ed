import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { keySlot } from "../src/cluster/key-slot.ts";

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

function expectSlot(key: string, slot: number): void {
  expect(keySlot(key)).toBe(slot);
  expect(keySlot(Buffer.from(key))).toBe(slot);
}
