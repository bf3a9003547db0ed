import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import { textOf } from "../../model/key-call.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import {
  expectEntries,
  expectRejects,
  expectSame,
  expectSameSet,
  expectTrue,
  expectValue,
} from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach } from "../shared/for-each.ts";

/** More than a page, and lengths from nothing to what is read alone. */
const many: ReadonlyMap<string, string> = new Map(
  Array.from({ length: 1_200 }, (_, at) => [`key ${at}`, "x".repeat(at % 7) + at]),
);

/** N6: listings of keys with their values. */
export const entryCases: readonly ContractCase[] = [
  {
    rule: "N6",
    title: "entries lists every key with its value, none where there is none, and more than a page",
    needs: ["listing"],
    async run({ store }) {
      expectEntries(await collectEntries(store.entries()), new Map(), "entries of an empty store");
      await store.set("one", "value");
      expectEntries(
        await collectEntries(store.entries()),
        new Map([["one", "value"]]),
        "entries of a store with one",
      );
      await setAll(store, many);
      await store.delete("one");
      expectEntries(await collectEntries(store.entries()), many, "entries");
      await store.set("key 1", "changed");
      const changed = new Map([...many, ["key 1", "changed"]]);
      expectEntries(await collectEntries(store.entries()), changed, "entries after a set");
      await store.deleteAll();
      expectEntries(await collectEntries(store.entries()), new Map(), "entries after deleteAll");
    },
  },
  {
    rule: "N6",
    title: "entries gives values of any length as they are, small and large mixed",
    needs: ["listing"],
    async run({ store }) {
      const lengths = [0, 1, 100, 5_000, 70_000, 1_048_576, 0, 3, 300_000, 65_536, 2];
      const values = new Map(
        lengths.map((length, at) => [`key ${at}`, new Uint8Array(length).fill(at + 0xe0)]),
      );
      await forEach([...values], async ([key, value]) => store.set(key, value));
      expectEntries(await collectEntries(store.entries()), values, "entries");
    },
  },
  {
    rule: "N6",
    title: "entries lists the namespace's own, not its children's, siblings' or parent's",
    needs: ["listing", "namespaces"],
    async run({ store, root }) {
      await root.set("of the root", "value");
      await store.set("own", "own");
      for (const name of ["a", "a*", "own"]) {
        await store.withNamespace(name).set(`of ${name}`, name);
        await store.withNamespace(name).withNamespace("own").set(`below ${name}`, name);
      }
      const atRoot = store.namespace?.length === root.namespace?.length;
      const own = new Map([["own", "own"], ...(atRoot ? ([["of the root", "value"]] as const) : [])]);
      expectEntries(await collectEntries(store.entries()), own, "entries");
      const child = await collectEntries(store.withNamespace("a").entries());
      expectEntries(child, new Map([["of a", "a"]]), "entries of a child");
      const empty = await collectEntries(store.withNamespace("*").entries());
      expectEntries(empty, new Map(), "entries of an empty child");
    },
  },
  {
    rule: "N6",
    title: "entries and keys with a prefix leave out what has expired",
    needs: ["listing"],
    waits: true,
    async run({ store, clock }) {
      const expiresIn = { milliseconds: clock.shortMs };
      for (const key of ["a 1", "a 2", "b"]) await store.set(key, "short", { expiresIn });
      for (const key of ["a 3", "c"]) await store.set(key, "long");
      await clock.checkpoint().until(clock.shortMs + resolutionMs);
      const left = new Map([
        ["a 3", "long"],
        ["c", "long"],
      ]);
      expectEntries(await collectEntries(store.entries()), left, "entries");
      const withPrefix = await collectEntries(store.entries({ prefix: "a" }));
      expectEntries(withPrefix, new Map([["a 3", "long"]]), "entries with a prefix");
      expectSameSet(await collect(store.keys({ prefix: "a" })), ["a 3"], "keys with a prefix");
    },
  },
  {
    rule: "N6",
    title: "an entry that is there throughout is listed, with a value that it had meanwhile",
    needs: ["listing"],
    async run({ store }) {
      await setAll(store, many);
      const keys = [...many.keys()];
      const kept = keys.filter((_, at) => at % 2 === 0);
      const deleted = keys.filter((_, at) => at % 2 === 1);
      const added = Array.from({ length: 1_000 }, (_, at) => `new ${at}`);
      const seen = new Set<string>();
      let count = 0;
      for await (const [key, bytes] of store.entries()) {
        seen.add(key);
        const value = textOf(bytes);
        const had = [many.get(key), `new of ${key}`];
        expectTrue(had.includes(value), `a value that ${inspect(key)} had: ${inspect(had)}`, inspect(value));
        if (count % 50 === 0) {
          const [from, to] = [count, count + 50];
          await forEach(kept.slice(from, to), async (changed) => store.set(changed, `new of ${changed}`));
          await forEach(deleted.slice(from, to), async (gone) => store.delete(gone));
          await forEach(added.slice(from, to), async (fresh) => store.set(fresh, `new of ${fresh}`));
        }
        count += 1;
        expectTrue(count < 100_000, "a listing that ends", "more than 100,000 entries");
      }
      for (const key of kept) expectSame(seen.has(key), true, `${inspect(key)} listed`);
    },
  },
  {
    rule: "N6",
    title: "entries ends even while others write without end",
    needs: ["listing"],
    async run({ store }) {
      await setAll(store, new Map([...many].slice(0, 100)));
      let count = 0;
      for await (const [key] of store.entries()) {
        expectSame(typeof key, "string", "the type of a key");
        if (count % 10 === 0) {
          const fresh = Array.from({ length: 10 }, (_, at) => `new ${count + at}`);
          await forEach(fresh, async (each) => store.set(each, "value"));
        }
        count += 1;
        expectTrue(
          count < 10_000,
          "a listing of 100 entries that ends, one more being set for each listed",
          "10,000 entries and no end",
        );
      }
    },
  },
  {
    rule: "N6",
    title: "entries may be left early, again and again, and all goes on working",
    needs: ["listing"],
    async run({ store }) {
      const some = new Map([...many].slice(0, 300));
      await setAll(store, some);
      const tenTimes = Array.from({ length: 10 });
      for (const _ of tenTimes) {
        await forEach(tenTimes, async () => {
          for await (const [key, value] of store.entries()) {
            expectValue(value, some.get(key), `the value of ${inspect(key)}`);
            break;
          }
        });
      }
      const never = store.entries()[Symbol.asyncIterator]();
      await never.return?.();
      expectSame((await never.next()).done, true, "a listing that was left before it began is over");
      expectEntries(await collectEntries(store.entries()), some, "entries");
    },
  },
  {
    rule: "N6",
    title: "a damaged entry hides no other: entries rejects with KV_CORRUPT after all others",
    needs: ["damage", "listing"],
    rootOnly: true,
    async run({ store, damage }) {
      const all = new Map(
        Array.from({ length: 40 }, (_, at) => [`key ${at}`, `a value of some length, ${at}`]),
      );
      await setAll(store, all);
      const damaged = ["key 0", "key 17", "key 39"];
      for (const key of damaged) await damage(key);
      const whole = new Map([...all].filter(([key]) => !damaged.includes(key)));
      const seen: [string, Uint8Array<ArrayBuffer>][] = [];
      const list = async (): Promise<void> => {
        for await (const entry of store.entries()) seen.push(entry);
      };
      await expectRejects(list, "KV_CORRUPT", "entries");
      expectEntries(new Map(seen), whole, "entries before the rejection");
      for (const key of damaged) await store.set(key, "healed");
      const healed = new Map([...all, ...damaged.map((key) => [key, "healed"] as const)]);
      expectEntries(await collectEntries(store.entries()), healed, "entries after set");
    },
  },
  {
    rule: "N6",
    title: "another process lists the same keys and entries, with a prefix too",
    needs: ["listing", "openElsewhere"],
    async run({ store, inOtherProcess }) {
      const other = await inOtherProcess();
      const entries = new Map([...many].slice(0, 200));
      await setAll(store, entries);
      expectEntries(await collectEntries(other.entries()), entries, "entries of the other process");
      const nines = [...entries.keys()].filter((key) => key.startsWith("key 9"));
      const listed = await collect(other.keys({ prefix: "key 9" }));
      expectSameSet(listed, nines, "keys of the other process with a prefix");
      await expectRejects(
        () => collect(other.keys({ prefx: "" } as object)),
        "TypeError",
        "a misspelt option",
      );
    },
  },
];

async function setAll(store: FullStore, entries: ReadonlyMap<string, string>): Promise<void> {
  await Promise.all(Array.from(entries, async ([key, value]) => store.set(key, value)));
}
