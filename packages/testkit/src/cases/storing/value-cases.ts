import type { FullStore } from "@kv/core";
import { utf8 } from "@kv/core/driver";
import type { ContractCase } from "../../contract/contract-case.ts";
import { collectEntries } from "../../support/collect.ts";
import { expectOwnBuffer, expectSame, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach } from "../shared/for-each.ts";
import { lengths, patterned, texts } from "../shared/values.ts";

/** S1 and S2: what was set is what comes. */
export const valueCases: readonly ContractCase[] = [
  {
    rule: "S1",
    title: "all 256 byte values come back, each alone and all together",
    async run({ store }) {
      const bytes = Array.from({ length: 256 }, (_, byte) => byte);
      await forEach(bytes, async (byte) => store.set(`byte ${byte}`, Uint8Array.of(byte)));
      await forEach(bytes, async (byte) =>
        expectValue(await store.get(`byte ${byte}`), Uint8Array.of(byte), `get of the byte ${byte}`),
      );
      const all = Uint8Array.from([...bytes, ...bytes.toReversed()]);
      await store.set("all", all);
      expectValue(await store.get("all"), all, "get");
    },
  },
  {
    rule: "S1",
    title: "values of any length come back whole, the empty one and one of 1 MiB too",
    async run({ store }) {
      const look = async (some: readonly number[], when: string): Promise<void> =>
        forEach(some, async (length) => {
          const got = await store.get(`length ${length}`);
          expectValue(got, patterned(length), `get of ${length} bytes${when}`);
        });
      const isSmall = (length: number): boolean => length < 10_000;
      for (const some of [lengths.filter(isSmall), lengths.filter((length) => !isSmall(length))]) {
        await forEach(some, async (length) => store.set(`length ${length}`, patterned(length)));
        await look(some, "");
      }
      await look(lengths, ", later");
    },
  },
  {
    rule: "S1",
    title: "a longer value is replaced by a shorter one, and the other way round",
    async run({ store }) {
      for (const length of [5_000, 3, 0, 70_000, 1]) {
        await store.set("key", patterned(length));
        expectValue(await store.get("key"), patterned(length), `get after a set of ${length} bytes`);
      }
    },
  },
  {
    rule: "S1",
    title: "a string comes back as its UTF-8, whatever it looks like",
    async run({ store }) {
      await forEach(texts, async (text, at) => {
        await store.set(`text ${at}`, text);
        expectValue(await store.get(`text ${at}`), text, `get after set(${inspect(text)})`);
      });
    },
  },
  {
    rule: "S1",
    title: "a view into a larger buffer is stored as what it shows, a Buffer too",
    async run({ store }) {
      const buffer = patterned(64).buffer;
      const view = new Uint8Array(buffer, 7, 9);
      await store.set("view", view);
      expectValue(await store.get("view"), view.slice(), "get of a view");

      const pooled = Buffer.from("a small pooled buffer");
      await store.set("buffer", pooled);
      expectValue(await store.get("buffer"), Uint8Array.from(pooled), "get of a Buffer");
    },
  },
  {
    rule: "S1",
    title: "getMany and get with renewFor give the same bytes as get",
    needs: ["batch"],
    async run({ store }) {
      const value = Uint8Array.of(0, 255, 128, 10, 13);
      await store.set("key", value);
      expectValue((await store.getMany(["key"]))[0], value, "getMany");
      expectValue(await store.get("key", { renewFor: 60 }), value, "get with renewFor");
    },
  },
  {
    rule: "S1",
    title: "take gives the same bytes as get, of any length, of text and of what is none",
    needs: ["atomic"],
    async run({ store }) {
      const values = [...lengths.map(patterned), ...texts, Uint8Array.of(0xff, 0, 0xfe, 0x80)];
      await forEach(values, async (value, at) => {
        await store.set(`key ${at}`, value);
        expectValue(await store.take(`key ${at}`), value, `take after set of ${inspect(value)}`);
      });
    },
  },
  {
    rule: "S1",
    title: "an empty value is an entry",
    async run({ store }) {
      await store.set("empty", "");
      expectValue(await store.get("empty"), "", "get");
      expectSame(await store.exists("empty"), true, "exists");
      expectSame(await store.touch("empty", 60), true, "touch");
      expectSame(await store.delete("empty"), true, "delete");
      expectSame(await store.exists("empty"), false, "exists after delete");
    },
  },
  {
    rule: "S2",
    title: "every operation on what is not there says so, and is no error",
    async run({ store }) {
      await expectAbsent(store, "never set");
      // Objects that stand for maps have these from the beginning.
      for (const key of ["constructor", "__proto__", "toString", "hasOwnProperty"])
        await expectAbsent(store, key);
      await store.set("deleted", "value");
      expectSame(await store.delete("deleted"), true, "delete of what is there");
      await expectAbsent(store, "deleted");
    },
  },
  {
    rule: "S2",
    title: "deleteAll of an empty store is a no-op",
    async run({ store }) {
      await store.deleteAll();
      await store.deleteAll();
      expectSame(await store.exists("key"), false, "exists");
    },
  },
  {
    rule: "S2",
    title: "batches say of each key whether it is there",
    needs: ["batch"],
    async run({ store }) {
      await store.set("here", "value");
      const found = await store.getMany(["missing", "here", "missing", "here"]);
      expectSame(found.length, 4, "the number of values of getMany");
      expectValue(found[0], undefined, "the first value of getMany");
      expectValue(found[1], "value", "the second value of getMany");
      expectValue(found[2], undefined, "the third value of getMany");
      expectValue(found[3], "value", "the fourth value of getMany");
      expectSame(await store.deleteMany(["missing", "here", "here"]), 1, "deleteMany");
      expectSame(await store.deleteMany(["missing", "here"]), 0, "deleteMany again");
      expectSame((await store.getMany([])).length, 0, "the number of values of an empty getMany");
      await store.setMany([]);
      expectSame(await store.deleteMany([]), 0, "an empty deleteMany");
    },
  },
  {
    rule: "S2",
    title: "atomic steps on what is not there say so",
    needs: ["atomic"],
    async run({ store }) {
      expectSame(
        await store.compareAndSet("missing", "", "value"),
        false,
        "compareAndSet with an empty expected",
      );
      expectSame(
        await store.compareAndDelete("missing", ""),
        false,
        "compareAndDelete with an empty expected",
      );
      expectSame(await store.take("missing"), undefined, "take");
      expectSame(await store.exists("missing"), false, "exists");
    },
  },
  {
    rule: "S3",
    title: "changing an array after it was passed in changes nothing in the store",
    async run({ store }) {
      for (const asItWas of arrays) {
        const value = asItWas.slice();
        const setting = store.set("key", value);
        value.fill(0x21); // before the promise settles
        await setting;
        expectValue(await store.get("key"), asItWas, "get, the array changed while set was in flight");
        value.fill(0x3f);
        expectValue(await store.get("key"), asItWas, "get, the array changed after set");
      }
    },
  },
  {
    rule: "S3",
    title: "changing an array that was received changes nothing in the store",
    async run({ store }) {
      await store.set("key", "as it was");
      const first = await store.get("key");
      const second = await store.get("key");
      first?.fill(0x21);
      expectValue(second, "as it was", "what an earlier get gave");
      expectValue(await store.get("key"), "as it was", "a later get");
      (await store.get("key", { renewFor: 60 }))?.fill(0x21);
      expectValue(await store.get("key"), "as it was", "get after a changed get with renewFor");
    },
  },
  {
    rule: "S3",
    title: "the ArrayBuffer of a received array holds nothing else",
    async run({ store }) {
      for (const length of [0, 1, 100, 5_000, 200_000]) {
        await store.set("key", patterned(length));
        expectOwnBuffer(await store.get("key"), `get of ${length} bytes`);
        expectOwnBuffer(await store.get("key", { renewFor: 60 }), `get with renewFor of ${length} bytes`);
      }
    },
  },
  {
    rule: "S3",
    title: "arrays passed to and received from batches are the caller's own",
    needs: ["batch"],
    async run({ store }) {
      for (const asItWas of arrays) {
        const value = asItWas.slice();
        const setting = store.setMany([
          ["a", value],
          ["b", value],
        ]);
        value.fill(0x21);
        await setting;
        const found = await store.getMany(["a", "a", "b"]);
        for (const bytes of found) expectOwnBuffer(bytes, "getMany");
        found[0]?.fill(0x3f);
        for (const bytes of found.slice(1)) expectValue(bytes, asItWas, "another value of the same getMany");
        for (const key of ["a", "b"]) expectValue(await store.get(key), asItWas, "get");
      }
    },
  },
  {
    rule: "S3",
    title: "an array that take gives is the caller's own, and its ArrayBuffer holds nothing else",
    needs: ["atomic"],
    async run({ store }) {
      for (const asItWas of arrays) {
        await store.set("other", asItWas);
        await store.set("key", asItWas);
        const first = await store.take("key");
        expectOwnBuffer(first, `take of ${asItWas.length} bytes`);
        await store.set("key", asItWas.toReversed()); // perhaps where the last one lay
        expectValue(first, asItWas, "what take gave, after a later set");
        first?.fill(0x21);
        expectValue(await store.take("key"), asItWas.toReversed(), "take after a changed take");
        expectValue(await store.get("other"), asItWas, "get of another entry");
      }
    },
  },
  {
    rule: "S3",
    title: "arrays that entries gives are the caller's own, and their ArrayBuffers hold nothing else",
    needs: ["listing"],
    async run({ store }) {
      await forEach(arrays, async (asItWas, at) => store.set(`key ${at}`, asItWas));
      const listed = await collectEntries(store.entries());
      for (const bytes of listed.values()) {
        expectOwnBuffer(bytes, "entries");
        bytes.fill(0x21);
      }
      const again = await collectEntries(store.entries());
      for (const [at, asItWas] of arrays.entries()) {
        expectValue(again.get(`key ${at}`), asItWas, "entries after a changed array");
        expectValue(await store.get(`key ${at}`), asItWas, "get after a changed array");
      }
    },
  },
  {
    rule: "S3",
    title: "arrays passed to atomic steps are the caller's own",
    needs: ["atomic"],
    async run({ store }) {
      for (const asItWas of arrays) {
        await store.delete("absent");
        const value = asItWas.slice();
        const setting = store.setIfAbsent("absent", value);
        value.fill(0x21);
        await setting;
        expectValue(await store.get("absent"), asItWas, "get after setIfAbsent");

        const asItBecame = asItWas.toReversed();
        const expected = asItWas.slice();
        const next = asItBecame.slice();
        const swapping = store.compareAndSet("absent", expected, next);
        expected.fill(0x21);
        next.fill(0x21);
        expectSame(await swapping, true, "compareAndSet");
        expectValue(await store.get("absent"), asItBecame, "get after compareAndSet");
        const last = asItBecame.slice();
        const deleting = store.compareAndDelete("absent", last);
        last.fill(0x21);
        expectSame(await deleting, true, "compareAndDelete");
      }
    },
  },
];

/** Short and long, text and not: a backend may take each in another way. */
const arrays = [utf8("as it was"), Uint8Array.of(0xff, 0, 0xfe, 1), patterned(3_000), patterned(100_000)];

async function expectAbsent(store: FullStore, key: string): Promise<void> {
  expectValue(await store.get(key), undefined, "get");
  expectValue(await store.get(key, { renewFor: 60 }), undefined, "get with renewFor");
  expectSame(await store.exists(key), false, "exists");
  expectSame(await store.expiresIn(key), undefined, "expiresIn");
  expectSame(await store.touch(key, 60), false, "touch");
  expectSame(await store.delete(key), false, "delete");
  expectSame(await store.exists(key), false, "exists after all of that");
}
