import fc from "fast-check";
import { expect, test } from "vitest";
import { type Chunk, copyOfValue, type Slab, SlabAllocator, viewOf } from "../src/storage/slab-allocator.ts";

test("S1 S3 values allocated, reallocated and freed in any order stay what they were, each in a chunk of its own", () => {
  const lengths = fc.oneof(fc.integer({ min: 0, max: 140 }), fc.integer({ min: 0, max: 2_000 }));
  const steps = fc.array(fc.tuple(fc.constantFrom("put", "put", "delete"), fc.nat(40), lengths), {
    maxLength: 400,
    size: "max",
  });
  fc.assert(
    fc.property(steps, (all) => {
      const slabs = new SlabAllocator();
      const chunks = new Map<number, Chunk>();
      const model = new Map<number, Uint8Array>();
      for (const [at, [step, key, length]] of all.entries()) {
        const chunk = chunks.get(key);
        if (step === "delete") {
          if (chunk !== undefined) slabs.free(chunk);
          chunks.delete(key);
          model.delete(key);
          continue;
        }
        const value = new Uint8Array(length).fill(at % 251);
        model.set(key, value.slice());
        if (chunk === undefined) chunks.set(key, slabs.allocate(value, false));
        else slabs.reallocate(chunk, value, false);
        value.fill(255); // it was borrowed
      }
      for (const [key, value] of model) {
        const chunk = chunks.get(key) as Chunk;
        expect(Buffer.compare(viewOf(chunk), value)).toBe(0);
        expect(Buffer.compare(copyOfValue(chunk), value)).toBe(0);
        expect(copyOfValue(chunk).buffer.byteLength).toBe(value.length);
      }
    }),
  );
});

test("a slab is dropped with its last value, and its free chunks are allocated again before", () => {
  const slabs = new SlabAllocator();
  const value = new Uint8Array(100);
  const chunks = Array.from({ length: 10_000 }, () => slabs.allocate(value, false));
  const before = new Set<Slab>(chunks.map(({ slab }) => slab));
  const capacity = [...before].reduce((sum, { array }) => sum + array.length, 0);
  expect(capacity).toBeLessThan(10_000 * 100 * 1.3);

  for (const chunk of chunks.slice(0, 5_000)) slabs.free(chunk);
  const again = Array.from({ length: 4_000 }, () => slabs.allocate(value, false));
  const added = new Set(again.map(({ slab }) => slab).filter((slab) => !before.has(slab)));
  expect(added.size).toBeLessThanOrEqual(20); // slabs that became empty are dropped already

  for (const chunk of [...chunks.slice(5_000), ...again]) slabs.free(chunk);
  const [next] = Array.from({ length: 1 }, () => slabs.allocate(value, false));
  expect(before.has(next?.slab as Slab) || added.has(next?.slab as Slab)).toBe(false);
});

test("no slab is added while another has a free chunk, and none is used again once it was empty", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("put", "put", "delete"), fc.nat(200)), {
    maxLength: 300,
    size: "max",
  });
  fc.assert(
    fc.property(steps, (all) => {
      const slabs = new SlabAllocator();
      const value = new Uint8Array(16);
      const chunks: Chunk[] = [];
      const held = new Map<Slab, number>();
      const dropped = new Set<Slab>();
      for (const [step, at] of all) {
        if (step === "put") {
          const chunk = slabs.allocate(value, false);
          expect(dropped.has(chunk.slab)).toBe(false);
          if (!held.has(chunk.slab)) {
            for (const [{ array }, count] of held) expect(count * value.length).toBe(array.length);
          }
          chunks.push(chunk);
          held.set(chunk.slab, (held.get(chunk.slab) ?? 0) + 1);
          continue;
        }
        const [chunk] = chunks.splice(at % Math.max(chunks.length, 1), 1);
        if (chunk === undefined) continue;
        slabs.free(chunk);
        const left = (held.get(chunk.slab) ?? 0) - 1;
        if (left > 0) held.set(chunk.slab, left);
        else if (held.delete(chunk.slab)) dropped.add(chunk.slab);
      }
    }),
  );
});

test.each([
  [1, true],
  [100, true],
  [1_024, true],
  [1_025, false],
])("values of %d bytes share an array: %s", (length, shared) => {
  const slabs = new SlabAllocator();
  const value = new Uint8Array(length);
  expect(slabs.allocate(value, false).slab === slabs.allocate(value, false).slab).toBe(shared);
});

test("a value of about the same length takes the place of the one that it replaces", () => {
  const slabs = new SlabAllocator();
  const chunk = slabs.allocate(new Uint8Array(100), false);
  const { slab, offset } = chunk;
  slabs.reallocate(chunk, new Uint8Array(98), false);
  expect([chunk.slab, chunk.offset, chunk.length]).toEqual([slab, offset, 98]);
  expect(chunk.slab).toBe(slab);
});

test("a long value that nobody else has is not copied", () => {
  const slabs = new SlabAllocator();
  const value = new Uint8Array(2_000);
  expect(slabs.allocate(value, true).slab.array).toBe(value);
  expect(slabs.allocate(value, false).slab.array).not.toBe(value);
});
