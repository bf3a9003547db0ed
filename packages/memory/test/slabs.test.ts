import fc from "fast-check";
import { expect, test } from "vitest";
import { copyOfValue, type Slab, Slabs, type Slot, viewOf } from "../src/slabs.ts";

test("S1 S3 values kept, replaced and released in any order stay what they were, each in a place of its own", () => {
  const lengths = fc.oneof(fc.integer({ min: 0, max: 140 }), fc.integer({ min: 0, max: 2_000 }));
  const steps = fc.array(fc.tuple(fc.constantFrom("put", "put", "delete"), fc.nat(40), lengths), {
    maxLength: 400,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const slabs = new Slabs();
      const slots = new Map<number, Slot>();
      const model = new Map<number, Uint8Array>();
      for (const [at, [step, key, length]] of all.entries()) {
        const slot = slots.get(key);
        if (step === "delete") {
          if (slot !== undefined) slabs.release(slot);
          slots.delete(key);
          model.delete(key);
          continue;
        }
        const value = new Uint8Array(length).fill(at % 251);
        model.set(key, value.slice());
        if (slot === undefined) slots.set(key, slabs.keep(value, false));
        else slabs.replace(slot, value, false);
        value.fill(255); // it was lent
      }
      for (const [key, value] of model) {
        const slot = slots.get(key) as Slot;
        expect(viewOf(slot)).toEqual(value);
        expect(copyOfValue(slot)).toEqual(value);
        expect(copyOfValue(slot).buffer.byteLength).toBe(value.length);
      }
    }),
  );
});

test("a slab whose values are all gone is let go of, and its slots are used again before", () => {
  const slabs = new Slabs();
  const value = new Uint8Array(100);
  const slots = Array.from({ length: 10_000 }, () => slabs.keep(value, false));
  const before = new Set<Slab>(slots.map(({ slab }) => slab));
  const capacity = [...before].reduce((sum, { array }) => sum + array.length, 0);
  expect(capacity).toBeLessThan(10_000 * 100 * 1.3);

  for (const slot of slots.slice(0, 5_000)) slabs.release(slot);
  const again = Array.from({ length: 4_000 }, () => slabs.keep(value, false));
  const fresh = new Set(again.map(({ slab }) => slab).filter((slab) => !before.has(slab)));
  expect(fresh.size).toBeLessThanOrEqual(20); // of those, what was emptied wholly is gone already

  for (const slot of [...slots.slice(5_000), ...again]) slabs.release(slot);
  const [next] = Array.from({ length: 1 }, () => slabs.keep(value, false));
  expect(before.has(next?.slab as Slab) || fresh.has(next?.slab as Slab)).toBe(false);
});

test("what is its maker's own and long is kept as it is", () => {
  const slabs = new Slabs();
  const value = new Uint8Array(2_000);
  expect(slabs.keep(value, true).slab.array).toBe(value);
  expect(slabs.keep(value, false).slab.array).not.toBe(value);
});
