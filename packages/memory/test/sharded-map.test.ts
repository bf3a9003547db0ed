import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { memoryStore } from "../src/index.ts";
import { ShardedMap } from "../src/storage/sharded-map.ts";

const shardThreshold = 8;

test("S1 it holds what a Map holds, before and after it has shards", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("add", "add", "delete"), fc.integer({ max: 30, min: 0 })), {
    maxLength: 100,
    size: "max",
  });
  fc.assert(
    fc.property(steps, (all) => {
      const map = new ShardedMap<object>(shardThreshold);
      const model = new Map<string, object>();
      for (const [step, number] of all) {
        const key = `${number}`;
        if (step === "add") {
          if (model.has(key)) continue;
          const value = {};
          map.add(key, value);
          model.set(key, value);
        } else {
          map.delete(key);
          model.delete(key);
        }
        expect(map.size).toBe(model.size);
        expect(map.get(key)).toBe(model.get(key));
      }
      expect(new Map([...map.pages(3)].flat())).toEqual(model);
      expect(new Set(map.values())).toEqual(new Set(model.values()));
      for (const [key, value] of model) expect(map.get(key)).toBe(value);
    }),
  );
});

test("N6 a listing gives what is there throughout once, and nothing that is gone, while others write and the map gets shards", () => {
  const key = fc.integer({ min: 0, max: 30 });
  const pageLength = fc.integer({ min: 1, max: 3 });
  const steps = fc.array(
    fc.oneof(
      fc.record({ does: fc.constantFrom("add", "add", "delete"), key }),
      fc.record({ does: fc.constant("list"), key: fc.integer({ min: 1, max: 4 }) }),
    ),
    { maxLength: 80, size: "max" },
  );
  fc.assert(
    fc.property(
      fc.array(key, { minLength: 1, maxLength: shardThreshold }),
      pageLength,
      steps,
      (before, length, all) => {
        const map = new ShardedMap<object>(shardThreshold);
        for (const number of before) map.add(`${number}`, {});
        const throughout = new Map([...map.pages()].flat());
        const atMost = map.size;
        const listing = map.pages(length);
        const came: [key: string, value: object][] = [];
        const list = (): boolean => {
          const next = listing.next();
          if (next.done === true) return false;
          expect(next.value.length).toBeLessThanOrEqual(length);
          for (const [name, value] of next.value) expect(map.get(name)).toBe(value);
          came.push(...next.value);
          return true;
        };
        list();
        for (const { does, key: number } of all) {
          if (does === "list") for (let left = number; left > 0 && list(); left -= 1);
          else if (does === "add") {
            if (map.get(`${number}`) === undefined) map.add(`${number}`, {});
          } else {
            map.delete(`${number}`);
            throughout.delete(`${number}`);
          }
        }
        while (list());
        expect(came.length).toBeLessThanOrEqual(atMost);
        for (const item of throughout) {
          expect(came.filter(([name]) => name === item[0])).toEqual([item]);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test("N6 a listing ends though more is added at each step", () => {
  for (const size of [shardThreshold, shardThreshold * 10]) {
    const map = new ShardedMap<object>(shardThreshold);
    for (let at = 0; at < size; at += 1) map.add(`${at}`, {});
    let came = 0;
    for (const [[key] = ["none"]] of map.pages(1)) {
      came += 1;
      for (let more = 0; more < 10; more += 1) map.add(`${key} ${more}`, {});
    }
    expect(came).toBeLessThanOrEqual(size);
  }
});

/** The most that any Map held while something was done. */
function largestMap(fill: () => void): number {
  let largest = 0;
  const { set } = Map.prototype;
  const spied = vi.spyOn(Map.prototype, "set").mockImplementation(function counted(
    this: Map<unknown, unknown>,
    key,
    value,
  ) {
    Reflect.apply(set, this, [key, value]);
    largest = Math.max(largest, this.size);
    return this;
  });
  fill();
  spied.mockRestore();
  return largest;
}

describe("however many entries, no Map has many to rehash in one call", () => {
  test.each<[kind: string, keyOf: (at: number) => string]>([
    ["numbers", (at) => `${at}`],
    ["a number at the end", (at) => `user:${at}`],
    ["a number in the middle", (at) => `tenant:${at}:profile`],
    ["a number in a long text", (at) => `https://example.com/${"a/".repeat(20)}${at}${"/b".repeat(20)}`],
    [
      "random digits",
      (at) =>
        Math.imul(at + 1, 0x9e3779b1)
          .toString(16)
          .padStart(32, "0"),
    ],
    ["characters of any kind", (at) => String.fromCodePoint(0x4e00 + (at % 20_000), 0x1f300 + (at >> 8))],
  ])("keys: %s", (_, keyOf) => {
    const store = memoryStore();
    expect(
      largestMap(() => {
        for (let at = 0; at < 200_000; at += 1) void store.set(keyOf(at), "");
      }),
    ).toBeLessThanOrEqual(16_384);
  });

  test("namespaces too", () => {
    const store = memoryStore();
    expect(
      largestMap(() => {
        for (let at = 0; at < 20_000; at += 1) void store.withNamespace(`tenant ${at}`).set("k", "");
      }),
    ).toBeLessThanOrEqual(16_384);
  });
});

describe("while a store comes to hold many", () => {
  const few = 10_000;
  const many = 20_000;
  const keyOf = (at: number): string => `user:${at}`;

  async function fill(store: ReturnType<typeof memoryStore>, from: number, to: number): Promise<void> {
    const entries = Array.from(
      { length: to - from },
      (_, at) => [keyOf(from + at), `value ${from + at}`] as const,
    );
    await store.setMany(entries, { expiresIn: "1h" });
  }

  test.each([{}, { maxEntries: many }])("N6 S1 a listing in progress is right (%j)", async (options) => {
    const store = memoryStore(options);
    await fill(store, 0, few);
    const came: string[] = [];
    for await (const key of store.keys()) {
      came.push(key);
      if (came.length !== 1_000) continue;
      await fill(store, few, many);
      for (let at = 0; at < few; at += 2) await store.delete(keyOf(at));
    }
    const once = new Set(came);
    expect(once.size).toBe(came.length);
    for (let at = 1; at < few; at += 2) expect(once.has(keyOf(at))).toBe(true);
    for (let at = 1; at < many; at += at < few ? 2 : 1) {
      expect(Buffer.from((await store.get(keyOf(at))) ?? []).toString()).toBe(`value ${at}`);
    }
  });

  test.each([{}, { maxEntries: many }])("T6 a sweep in progress is right (%j)", async (options) => {
    let nowMs = 0;
    let looks = 0;
    let written: Promise<unknown> | undefined;
    const store = memoryStore({
      ...options,
      now() {
        looks += 1;
        if (nowMs > 0 && looks === 10) {
          // Between two steps of the sweep. The last of the old ones are gone, or new, when it comes to them.
          const added = fill(store, few, many);
          for (let at = few - 500; at < few; at += 1) void store.delete(keyOf(at));
          written = Promise.all([added, fill(store, few - 100, few)]);
        }
        return nowMs;
      },
    });
    await fill(store, 0, few);
    nowMs = 2 * 3_600_000;
    looks = 0;
    expect(await store.deleteExpired()).toBe(few - 500);
    await written;
    const left: string[] = [];
    for await (const key of store.keys()) left.push(key);
    expect(left.toSorted()).toEqual(
      Array.from({ length: many - few + 100 }, (_, at) => keyOf(few - 100 + at)).toSorted(),
    );
    for (const key of left) {
      const value = Buffer.from((await store.get(key)) ?? []).toString();
      expect(value).toBe(key.replace("user:", "value "));
    }
  });
});
