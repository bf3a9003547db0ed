import { runInNewContext } from "node:vm";
import type { Bytes, FullStore, Store } from "@kv/core";
import { createStore, type FullDriverNamespace } from "@kv/core/driver";
import type { Capability, Harness, Opened } from "@kv/testkit";
import { takeOf } from "../mutants/slow-driver.ts";
import { ReferenceData, referenceDriver } from "../reference-driver.ts";
import { openedOver, referenceDriverHarness } from "../reference-harness.ts";
import { type Channel, type Delays, delayingChannel, serialChannel, through } from "./channel.ts";

/** A store that keeps every promise, in a way that a careless test would refuse. */
export interface OddBackend {
  readonly oddity: string;
  readonly harness: Harness;
}

type Change = (namespace: FullDriverNamespace, data: ReferenceData) => FullDriverNamespace;

const capabilities = referenceDriverHarness.capabilities;
const random = (from: number, to: number) => (): number => from + Math.random() * (to - from);
const always = (ms: number) => (): number => ms;

/** Opens the reference with its namespaces changed, once for each handle. */
function opened(changeOf: (data: ReferenceData) => Change, data?: ReferenceData): Opened {
  return openedOver((shared, rootPath, timeoutMs) => {
    const driver = referenceDriver(shared, rootPath);
    const change = changeOf(shared);
    return createStore(
      {
        ...driver,
        root: change(driver.root, shared),
        namespace: (path) => change(driver.namespace(path), shared),
      },
      { timeout: `${timeoutMs}ms` },
    );
  }, data);
}

function oddDriver(oddity: string, changeOf: (data: ReferenceData) => Change): OddBackend {
  return { oddity, harness: { ...referenceDriverHarness, name: oddity, open: () => opened(changeOf) } };
}

/** At the end of a channel, by a clock that is moved and by the clock of the machine. */
function remote(oddity: string, channel: () => Channel): OddBackend[] {
  const changeOf = (): Change => {
    const shared = channel();
    return (namespace) => through(shared, { ...namespace, take: takeOf(namespace) });
  };
  return [
    oddDriver(oddity, changeOf),
    {
      oddity: `${oddity}, by the clock of the machine`,
      harness: {
        ...referenceDriverHarness,
        name: `${oddity}, by the clock of the machine`,
        open() {
          const { advance: _, ...rest } = opened(changeOf, new RealTimeData());
          return rest;
        },
      },
    },
  ];
}

const delayed = (delays: Delays) => (): Channel => delayingChannel(delays);

/** The data of the reference, by the clock of the machine. */
class RealTimeData extends ReferenceData {
  constructor() {
    super();
    Object.defineProperty(this, "nowMs", { get: () => performance.now() });
  }
}

/** The data of the reference, by a clock that also goes on by itself, in whole milliseconds. */
class CoarseTimeData extends ReferenceData {
  #advancedMs = 0;

  constructor() {
    super();
    Object.defineProperty(this, "nowMs", {
      get: () => Math.floor(performance.now()) + this.#advancedMs,
      set: (ms: number) => {
        this.#advancedMs = ms - Math.floor(performance.now());
      },
    });
  }
}

/** The reference with the methods of its stores changed. */
function oddStore(oddity: string, change: (store: FullStore) => FullStore): OddBackend {
  const open = (): Opened =>
    openedOver((data, rootPath, timeoutMs) =>
      change(createStore(referenceDriver(data, rootPath), { timeout: `${timeoutMs}ms` })),
    );
  return { oddity, harness: { ...referenceDriverHarness, name: oddity, open } };
}

/** The same store, whose promises are made anew. */
function withPromises(store: FullStore, renew: (promise: Promise<unknown>) => unknown): FullStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        if (name === "withNamespace") return withPromises(answer as FullStore, renew);
        return answer instanceof Promise ? renew(answer) : answer;
      };
    },
  });
}

class OddPromise<T> extends Promise<T> {}

const foreignPromise = runInNewContext("Promise") as PromiseConstructor;

/** A Buffer over memory of its own. */
const asBuffer = (bytes: Bytes | undefined): Bytes | undefined =>
  bytes === undefined ? undefined : (Buffer.from(bytes.buffer) as Bytes);

function givingBuffers(store: FullStore): FullStore {
  return new Proxy(store, {
    get(target, name) {
      switch (name) {
        case "withNamespace":
          return (child: string) => givingBuffers(target.withNamespace(child));
        case "get":
          return async (...args: Parameters<FullStore["get"]>) => asBuffer(await target.get(...args));
        case "take":
          return async (key: string) => asBuffer(await target.take(key));
        case "getMany":
          return async (keys: Iterable<string>) => (await target.getMany(keys)).map(asBuffer);
        case "entries":
          return async function* entries(options?: { prefix?: string }) {
            for await (const [key, value] of target.entries(options)) yield [key, asBuffer(value)];
          };
        default: {
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === "function" ? member.bind(target) : member;
        }
      }
    },
  });
}

const methods: Readonly<Record<Capability, readonly (keyof FullStore)[]>> = {
  namespaces: ["namespace", "withNamespace"],
  batch: ["getMany", "setMany", "deleteMany"],
  atomic: ["increment", "setIfAbsent", "compareAndSet", "compareAndDelete", "take"],
  listing: ["keys", "entries", "namespaces"],
  expiry: ["deleteExpired"],
};

/** The same store with the methods of these capabilities only. */
function withOnly(store: FullStore, only: readonly Capability[]): Store {
  const hidden = capabilities.filter((each) => !only.includes(each)).flatMap((each) => methods[each]);
  return new Proxy(store, {
    has: (target, name) => !hidden.includes(name as keyof FullStore) && name in target,
    get(target, name) {
      if (hidden.includes(name as keyof FullStore)) return undefined;
      const member: unknown = Reflect.get(target, name, target);
      if (name === "withNamespace") return (child: string) => withOnly(target.withNamespace(child), only);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

function able(only: readonly Capability[]): OddBackend {
  const oddity = `a store with the capabilities ${only.length === 0 ? "of every store" : only.join(", ")}`;
  const open = async (): Promise<Opened> => {
    const whole = await referenceDriverHarness.open();
    return {
      ...whole,
      store: withOnly(whole.store as FullStore, only),
      openAgain: async () => withOnly((await whole.openAgain?.()) as FullStore, only),
      openImpatient: async (timeoutMs) =>
        withOnly((await whole.openImpatient?.(timeoutMs)) as FullStore, only),
      ...(only.includes("namespaces") && {
        openWithoutNamespace: async () => withOnly((await whole.openWithoutNamespace?.()) as FullStore, only),
      }),
    };
  };
  const { golden, ...rest } = referenceDriverHarness;
  return {
    oddity,
    harness: {
      ...rest,
      ...(only.includes("namespaces") && golden !== undefined && { golden }),
      name: oddity,
      capabilities: only,
      open,
    },
  };
}

async function* pages(
  listing: AsyncIterable<readonly string[]>,
  split: (items: readonly string[]) => readonly (readonly string[])[],
): AsyncGenerator<readonly string[]> {
  for await (const page of listing) yield* split(page);
}

const listedIn =
  (split: (items: readonly string[]) => readonly (readonly string[])[]) => (): Change => (namespace) => ({
    ...namespace,
    keys: (prefix) => pages(namespace.keys(prefix), split),
    namespaces: () => pages(namespace.namespaces(), split),
  });

export const oddBackends: readonly OddBackend[] = [
  ...remote("a store that answers in 80 ms", delayed({ there: always(40), back: always(40) })),
  ...remote("a store that answers in 300 ms", delayed({ there: always(150), back: always(150) })),
  ...remote("20 to 50 ms each way", delayed({ there: random(20, 50), back: random(20, 50) })),
  ...remote("answers out of order", delayed({ there: always(0), back: random(0, 10) })),
  ...remote("handles that do one thing at a time", serialChannel),
  {
    oddity: "a clock in whole milliseconds that goes on by itself",
    harness: {
      ...referenceDriverHarness,
      name: "a clock in whole milliseconds that goes on by itself",
      open: () => opened(() => (namespace) => namespace, new CoarseTimeData()),
    },
  },
  oddStore("Buffers as values", givingBuffers),
  oddStore("promises of a class of its own", (store) =>
    withPromises(store, (promise) => OddPromise.resolve(promise)),
  ),
  oddStore("promises of another realm", (store) =>
    withPromises(store, (promise) => foreignPromise.resolve(promise)),
  ),
  oddDriver(
    "listings in pages of one, with empty pages",
    listedIn((items) => items.flatMap((item) => [[], [item]])),
  ),
  oddDriver(
    "listings that give everything twice",
    listedIn((items) => [items, items.toReversed()]),
  ),
  oddDriver("a deleteExpired that leaves it to the server", () => (namespace) => ({
    ...namespace,
    deleteExpired: () => 0,
  })),
  able([]),
  able(["namespaces"]),
  able(["batch"]),
  able(["atomic"]),
  able(["expiry", "listing"]),
  able(["namespaces", "atomic"]),
  able(["namespaces", "listing", "expiry"]),
  able(["batch", "atomic", "listing", "expiry"]),
];
