import type { Guarantee, Trial } from "./guarantee.ts";

const both = ["memory", "Redis"] as const;

const allBytes = Uint8Array.from({ length: 256 }, (_, at) => at);

/** Each must be an entry of its own. */
const keys = ["", "a", "A", "a:b", "a/b", "a:b:", "a?b", "../a", "a*", "é", "e\u0301", "__proto__"];

export const storingGuarantees: readonly Guarantee[] = [
  {
    says: "a `Uint8Array` comes back as the same bytes",
    on: both,
    async holds({ open }) {
      const store = await open();
      await store.set("k", allBytes.slice());
      const found = await store.get("k");
      return found instanceof Uint8Array && Buffer.from(found).equals(allBytes);
    },
  },
  {
    says: "what you stored does not change when you change your array",
    on: ["memory"],
    async holds({ open }) {
      const store = await open();
      const mine = Uint8Array.of(1, 2, 3);
      await store.set("k", mine);
      mine[0] = 9;
      const found = await store.get("k");
      return Object.values(found as object)[0] === 1;
    },
  },
  {
    says: "any two different keys are two entries",
    on: both,
    async holds({ open }) {
      const store = await open();
      for (const key of keys) await store.set(key, `value of ${key}`);
      for (const key of keys) if (textOf(await store.get(key)) !== `value of ${key}`) return false;
      return true;
    },
  },
  {
    says: "`delete` tells whether there was an entry",
    on: both,
    async holds({ open }) {
      const store = await open();
      await store.set("k", "v");
      return (await store.delete("k")) === true && (await store.delete("k")) === false;
    },
  },
  {
    says: "keys can be listed",
    on: both,
    async holds({ open }) {
      const store = await open();
      await store.set("one", "1");
      await store.set("two", "2");
      return [...((await store.keys?.()) ?? [])].toSorted().join() === "one,two";
    },
  },
  {
    says: "clearing the namespace `a` leaves the namespace `ab`",
    on: ["Redis"],
    holds: ({ open }) => clearsOnly(open, "a", "ab"),
  },
  {
    says: "clearing the namespace `a*` leaves the namespace `ab`",
    on: ["Redis"],
    holds: ({ open }) => clearsOnly(open, "a*", "ab"),
  },
  {
    says: "clearing a namespace clears those below it",
    on: ["Redis"],
    async holds({ open }) {
      const parent = (await open()).namespace("a");
      const child = parent.namespace("b");
      await child.set("k", "v");
      await parent.clear();
      return absent(await child.get("k"));
    },
  },
  {
    says: "no key of a store is a key of its namespaces",
    on: ["Redis"],
    async holds({ open }) {
      const store = await open();
      for (const separator of [":", "::", "/", "_", "."]) await store.set(`a${separator}b`, "v");
      return absent(await store.namespace("a").get("b"));
    },
  },
  {
    says: "renewal in one step with the read",
    on: ["memory"],
    holds: hasMethod(/renew|touch|getex/i),
  },
  {
    says: "counters in one step",
    on: ["memory"],
    holds: hasMethod(/incr|add|count/i),
  },
  {
    says: "set if absent, compare and set, compare and delete",
    on: ["memory"],
    holds: hasMethod(/absent|nx$|compare|cas$|swap|ifnot/i),
  },
];

async function clearsOnly(open: Trial["open"], cleared: string, left: string): Promise<boolean> {
  const store = await open();
  const [one, other] = [store.namespace(cleared), store.namespace(left)];
  await one.set("k", "v");
  await other.set("k", "v");
  await one.clear();
  return absent(await one.get("k")) && textOf(await other.get("k")) === "v";
}

/** A method of that kind, on what the user of the library holds; what the names mean is in the documentation. */
function hasMethod(name: RegExp): Guarantee["holds"] {
  return async ({ open }) => methodsOf((await open()).own).some((method) => name.test(method));
}

function methodsOf(object: object): string[] {
  const names = new Set<string>();
  for (let at = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    // What event emitters bring is no call on the store.
    if (Object.hasOwn(at, "listenerCount") || Object.hasOwn(at, "addListener")) continue;
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}

export function absent(found: unknown): boolean {
  return found === undefined || found === null;
}

/** The text in whatever form the library gives it back. */
export function textOf(found: unknown): unknown {
  return found instanceof Uint8Array ? Buffer.from(found).toString() : found;
}
