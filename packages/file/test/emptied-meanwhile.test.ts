import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type FullStore, isStoreError } from "@kv/core";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import type { Environment } from "../src/ownership/environment.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { HeldDisk, leadsTo, type Side, sides } from "./held-disk.ts";
import { fileOf, outcomeOf, storeIn, usedStoreIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// A change is about to take effect: its rename is in the system, which has found the source, or both directories, or
// nothing yet. Meanwhile a second store moves the namespace away, and a third makes it anew and changes another key in
// the same folder. Then the rename goes on.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

interface Change {
  readonly name: string;
  readonly call: (store: FullStore) => Promise<unknown>;
  /** The answer, and the value that it leaves, where it comes before `deleteAll`, and where it comes after it. */
  readonly before: readonly [answer: unknown, value: undefined];
  readonly after: readonly [answer: unknown, value: string | undefined];
}

const changes: readonly Change[] = [
  {
    name: "increment",
    call: async (store) => (await store.increment("key")).value,
    before: [42, undefined],
    after: [1, "1"],
  },
  {
    name: "compareAndSet",
    call: (store) => store.compareAndSet("key", "41", "50"),
    before: [true, undefined],
    after: [false, undefined],
  },
  {
    name: "set with keepExpiry",
    call: async (store) => {
      await store.set("key", "50", { keepExpiry: true });
      return await store.expiresIn("key");
    },
    before: [undefined, undefined],
    after: [Number.POSITIVE_INFINITY, "50"],
  },
];

/** Where the second store is when the third comes. */
const stages = ["has emptied it", "has moved it away and not emptied it yet"] as const;

const namespaces: readonly { path: readonly string[] }[] = [{ path: [] }, { path: ["child"] }];

describe.each(sides.filter((side) => side !== "after"))(
  "N5 a rename that is held up %s, while the namespace is emptied and made anew",
  (side) => {
    describe.each(stages)("by one that %s", (stage) => {
      describe.each(namespaces)("namespace $path", ({ path }) => {
        test.each(changes)("does not land there: $name", async ({ call, before, after }) => {
          const { outcome, value } = await raced({ side, stage, path, call });
          expect([before, after]).toContainEqual([outcome, value]);
        });

        test("an increment does not undo what the third has done with the same key", async () => {
          const call = async (store: FullStore): Promise<unknown> => (await store.increment("key")).value;
          const { outcome, value, third } = await raced({ side, stage, path, call, key: "key" });
          if (third === undefined) {
            // Before the others, between them, and after them.
            expect([
              [42, "100"],
              [1, "100"],
              [101, "101"],
            ]).toContainEqual([outcome, value]);
          } else {
            // A machine that is busy may also have kept it from its work.
            expect(["KV_TIMEOUT", "KV_UNAVAILABLE"], "the first was waited for").toContain(codeOf(third));
            expect([
              [42, undefined],
              [1, "1"],
            ]).toContainEqual([outcome, value]);
          }
        });
      });
    });
  },
);

function codeOf(error: unknown): unknown {
  return isStoreError(error) ? error.code : error;
}

async function raced({
  side,
  stage,
  path,
  call,
  key,
}: {
  readonly side: Side;
  readonly stage: (typeof stages)[number];
  readonly path: readonly string[];
  readonly call: (store: FullStore) => Promise<unknown>;
  /** What the third store sets: another key in the same folder unless told. */
  readonly key?: string;
}): Promise<{ outcome: unknown; value: string | undefined; third: unknown }> {
  const directory = newDirectory(parent).path;
  const neighbour = await usedStoreIn(directory);
  const at = (store: FullStore): FullStore => path.reduce((above, name) => above.withNamespace(name), store);
  const entry = fileOf(directory, "key", path);
  const options = { directory, durability: "none" } as const;

  const first = new HeldDisk(({ name, args }) => name === "rename" && leadsTo(args[1], entry), side);
  const slow = fileStoreIn({ ...options, timeout: "10m" }, { disk: first });
  onTestFinished(() => slow.close());
  onTestFinished(() => first.release());
  await at(neighbour).set("key", "41", { expiresIn: "1h" });
  await at(slow).set("before", "1");
  first.arm();
  const change = outcomeOf(() => call(at(slow)));
  await first.held;

  // To those who come the first cannot be judged, and has been silent: nothing makes them wait for it for long.
  const impatient: Partial<Environment> = { livenessOf: () => "unknown", heartbeatTimeoutMs: 1 };
  const second = new HeldDisk(({ name }) => name === "rename", "after");
  const emptying = fileStoreIn({ ...options, timeout: "10m" }, { ...impatient, disk: second });
  onTestFinished(() => emptying.close());
  onTestFinished(() => second.release());
  if (stage !== "has emptied it") second.arm();
  const emptied = at(emptying).deleteAll();
  await Promise.race([emptied, second.held, sleep(2_000)]); // should it wait for the first, that goes on now

  const third = storeIn({ ...options, timeout: "1s" }, impatient);
  const set = await outcomeOf(() => at(third).set(key ?? keyInFolderOf(directory, "key", path), "100"));
  first.release();
  await Promise.race([change, sleep(1_000)]);
  second.release();
  await emptied;
  const outcome = await change;
  const value = await at(storeIn(options)).get("key");
  return { outcome, value: value && Buffer.from(value).toString(), third: set };
}

/** Another key whose entry lies in the same folder. */
function keyInFolderOf(directory: string, key: string, path: readonly string[]): string {
  const folder = dirname(fileOf(directory, key, path));
  for (let number = 0; ; number += 1) {
    const other = `other ${number}`;
    if (dirname(fileOf(directory, other, path)) === folder) return other;
  }
}
