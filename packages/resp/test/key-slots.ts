import { Buffer } from "node:buffer";
import { startStandalone } from "@kv/test-servers";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { keySlot } from "../src/cluster/key-slot.ts";
import { type Backend, soak } from "./contract.ts";

/** The slots of keys, beside those that a server finds. */
export async function testKeySlots({ kind }: Pick<Backend, "kind">): Promise<void> {
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
}
