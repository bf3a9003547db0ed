import type { Bytes, FullStore, Value } from "@kv/core";
import { utf8 } from "@kv/core/driver";
import type { CaseContext, ContractCase, Need } from "../../contract/contract-case.ts";
import type { Capability } from "../../contract/harness.ts";
import { collectEntries } from "../../support/collect.ts";
import { expectOwnBuffer, expectSame, expectValue } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { type PassedValue, passedValues, spoiledByte } from "../shared/values.ts";

/** A call that takes bytes, and the answer that it gives where it took them for what they are. */
interface Taker {
  readonly needs?: readonly Need[];
  /** Makes the entry that the call needs, if it needs one. */
  readonly prepare?: (store: FullStore, key: string, value: Value) => Promise<void>;
  readonly call: (store: FullStore, key: string, value: Value) => Promise<unknown>;
  readonly answer: unknown;
}

/** Every method that stores bytes. */
const writers: Readonly<Record<string, Taker>> = {
  set: { call: (store, key, value) => store.set(key, value), answer: undefined },
  setMany: {
    needs: ["batch"],
    call: (store, key, value) =>
      store.setMany([
        [key, value],
        [`${key}, beside it`, utf8("beside")],
      ]),
    answer: undefined,
  },
  setIfAbsent: {
    needs: ["atomic"],
    call: (store, key, value) => store.setIfAbsent(key, value),
    answer: true,
  },
  compareAndSet: {
    needs: ["atomic"],
    prepare: (store, key) => store.set(key, "before"),
    call: (store, key, value) => store.compareAndSet(key, "before", value),
    answer: true,
  },
};

/** Every method that compares with bytes. The entry is made from bytes that nobody changes. */
const comparers: Readonly<Record<string, Taker>> = {
  compareAndSet: {
    needs: ["atomic"],
    prepare: (store, key, value) => store.set(key, value),
    call: (store, key, value) => store.compareAndSet(key, value, "next"),
    answer: true,
  },
  compareAndDelete: {
    needs: ["atomic"],
    prepare: (store, key, value) => store.set(key, value),
    call: (store, key, value) => store.compareAndDelete(key, value),
    answer: true,
  },
};

/** Every method that gives the bytes of some keys. `take` comes last: after it they are gone. */
const readers: Readonly<
  Record<
    string,
    {
      readonly needs?: Capability;
      readonly read: (store: FullStore, keys: readonly string[]) => Promise<(Bytes | undefined)[]>;
    }
  >
> = {
  get: { read: async (store, keys) => Promise.all(keys.map(async (key) => store.get(key))) },
  "get with renewFor": {
    read: async (store, keys) => Promise.all(keys.map(async (key) => store.get(key, { renewFor: "1h" }))),
  },
  getMany: { needs: "batch", read: async (store, keys) => store.getMany(keys) },
  entries: {
    needs: "listing",
    async read(store, keys) {
      const entries = await collectEntries(store.entries());
      return keys.map((key) => entries.get(key));
    },
  },
  take: {
    needs: "atomic",
    read: async (store, keys) => Promise.all(keys.map(async (key) => store.take(key))),
  },
};

/** S1, S3 and A3: every method that takes bytes and every one that gives them, with bytes and text of every look. */
export const byteCases: readonly ContractCase[] = [
  ...Object.entries(writers).flatMap(([method, taker]): ContractCase[] => [
    {
      rule: "S1",
      title: `values of every look that ${method} stores come back byte for byte from every method that gives them`,
      needs: taker.needs ?? [],
      rootOnly: method !== "set",
      async run(context) {
        for (const passed of smallFirst(makeAll())) {
          await passAll(context.store, method, taker, passed);
          await readAll(context, passed, (got, { bytes }, what) => expectValue(got, bytes, what));
        }
      },
    },
    {
      rule: "S3",
      title: `an array is the caller's own as soon as ${method} has returned, changed or handed over`,
      needs: taker.needs ?? [],
      rootOnly: method !== "set",
      async run(context) {
        for (const passed of smallFirst(makeAll().filter(({ spoil }) => spoil !== undefined))) {
          await passAll(context.store, method, taker, passed, spoilIt);
          await readAll(context, passed, (got, { bytes }, what) => {
            expectValue(got, bytes, what, isSpoiled(got) ? "S3" : "S1");
            expectOwnBuffer(got, what);
            got?.fill(spoiledByte); // what the next method gives is not this array
          });
        }
      },
    },
  ]),
  ...Object.entries(comparers).flatMap(([method, taker]): ContractCase[] => [
    {
      rule: "A3",
      title: `${method} compares values of every look byte for byte, text with its UTF-8 too`,
      needs: ["atomic"],
      rootOnly: true,
      run: async ({ store }) => passAll(store, method, taker, makeAll()),
    },
    {
      rule: "S3",
      title: `an array that ${method} compares with is the caller's own as soon as it has returned`,
      needs: ["atomic"],
      rootOnly: true,
      async run({ store }) {
        const passed = makeAll().filter(({ spoil }) => spoil !== undefined);
        await passAll(store, method, taker, passed, spoilIt);
      },
    },
  ]),
];

/** Made anew for each case: what was passed may be spoiled. The key says how the value looks. */
function makeAll(): Passed[] {
  return Array.from(passedValues, ([key, make]) => ({ key, ...make() }));
}

/** Where small values fail already, nobody waits for large ones, which a store may take long to encode. */
function smallFirst(all: readonly Passed[]): Passed[][] {
  const isSmall = ({ bytes }: Passed): boolean => bytes.length < 10_000;
  return [all.filter(isSmall), all.filter((each) => !isSmall(each))];
}

interface Passed extends PassedValue {
  readonly key: string;
}

function spoilIt({ spoil }: Passed): void {
  spoil?.();
}

/** Tells whether bytes are those of an array that was changed, or emptied, after it was passed or received. */
function isSpoiled(got: Bytes | undefined): boolean {
  return got?.every((byte) => byte === spoiledByte) ?? false;
}

async function passAll(
  store: FullStore,
  method: string,
  { prepare, call, answer }: Taker,
  all: readonly Passed[],
  whenReturned: (passed: Passed) => void = () => undefined,
): Promise<void> {
  await Promise.all(
    all.map(async (passed) => prepare?.(store, passed.key, passed.otherForm ?? passed.bytes)),
  );
  await Promise.all(
    all.map(async (passed) => {
      const answering = inFlight(call(store, passed.key, passed.value));
      whenReturned(passed);
      expectSame(await answering, answer, `${method} with ${passed.key}`);
    }),
  );
}

async function readAll(
  { store, harness }: CaseContext,
  all: readonly Passed[],
  check: (got: Bytes | undefined, passed: Passed, what: string) => void,
): Promise<void> {
  const keys = all.map(({ key }) => key);
  for (const [method, { needs, read }] of Object.entries(readers)) {
    if (needs !== undefined && !harness.capabilities.includes(needs)) continue;
    const found = await read(store, keys);
    for (const [at, passed] of all.entries()) check(found[at], passed, `${method} of ${passed.key}`);
  }
}
