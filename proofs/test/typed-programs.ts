export interface TypedProgram {
  readonly file: string;
  /** The packages that it imports. */
  readonly uses: readonly string[];
  /** What it is compiled with. */
  readonly lib: readonly string[];
  readonly types: readonly string[];
  readonly resolutions: readonly Resolution[];
  readonly source: string;
}

export interface Resolution {
  readonly module: string;
  readonly moduleResolution: string;
}

const nodenext: Resolution = { module: "nodenext", moduleResolution: "nodenext" };
const everyResolution: readonly Resolution[] = [
  { module: "node16", moduleResolution: "node16" },
  nodenext,
  { module: "esnext", moduleResolution: "bundler" },
];

/** Programs that compile where the types of the packages are right, and only there. */
export const typedPrograms: readonly TypedProgram[] = [
  {
    file: "anywhere.ts",
    uses: ["@kv/memory"],
    lib: ["es2022", "dom"],
    types: [],
    resolutions: everyResolution,
    source: `
      import { StoreRegistry, json, typed, type Bytes, type Store } from "@kv/core";
      import { createStore, type Driver } from "@kv/core/driver";
      import { memoryStore, type MemoryStore } from "@kv/memory";

      const stores = new StoreRegistry({ root: memoryStore() });
      const sessions: MemoryStore = stores.get("sessions");
      const found: Bytes | undefined = await sessions.withNamespace("eu").get("k", { renewFor: "15m" });
      export const response = new Response(found);
      const users = typed(sessions, json<{ name: string }>());
      const user: { name: string } | undefined = await users.get("ada");
      export const name: string = user?.name ?? "";
      await sessions.set("k", "v", { keepExpiry: true });
      // @ts-expect-error the two exclude each other
      await sessions.set("k", "v", { keepExpiry: true, expiresIn: 1 });
      // @ts-expect-error text without a unit
      await sessions.touch("k", "60");
      export function over(driver: Driver): Store { return createStore(driver); }
    `,
  },
  {
    file: "daily-path.ts",
    uses: ["@kv/memory"],
    lib: ["es2022", "dom"],
    types: [],
    resolutions: everyResolution,
    source: `
      import { bytes, declareStores, getOrSet, json, text, typed, withDefaultExpiry } from "@kv/core";
      import type { Bytes, Codec, StoreSource, TypedStore } from "@kv/core";
      import { memoryStore, type MemoryStore } from "@kv/memory";

      interface User { name: string; age?: number }
      interface Cart { items: string[] }
      type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true : false;
      function is<T extends true>(): T | undefined { return undefined; }
      declare const maybe: User | undefined;

      // getOrSet: the type is the codec's, never what compute happens to give.
      const users = typed(memoryStore(), json<User>());
      const user = await getOrSet(users, "ada", () => ({ name: "Ada" }));
      is<Same<typeof user, User>>();
      const later = await getOrSet(users, "ada", async () => ({ name: "Ada", age: 36 }), { expiresIn: "5m" });
      is<Same<typeof later, User>>();
      const found = await getOrSet(users, "ada", () => maybe);
      is<Same<typeof found, User | undefined>>();
      const foundLater = await getOrSet(users, "ada", async () => maybe);
      is<Same<typeof foundLater, User | undefined>>();
      // @ts-expect-error another type
      await getOrSet(users, "ada", () => 5);
      // @ts-expect-error another type, later
      await getOrSet(users, "ada", async () => ({ nam: "Ada" }));
      // @ts-expect-error null is no user
      await getOrSet(users, "ada", () => null);
      // @ts-expect-error there may be none
      found.name;
      const raw = await getOrSet(memoryStore(), "k", () => "text");
      is<Same<typeof raw, Bytes>>();
      const rawFound = await getOrSet(memoryStore(), "k", async (): Promise<string | undefined> => undefined);
      is<Same<typeof rawFound, Bytes | undefined>>();
      // @ts-expect-error a store takes bytes and strings
      await getOrSet(memoryStore(), "k", () => 5);

      // Declared stores: a misspelt name does not compile, and each store has its type.
      const stores = declareStores({ carts: json<Cart>(), names: text, sessions: bytes }, { root: memoryStore() });
      const carts = stores.get("carts");
      is<Same<typeof carts, TypedStore<Cart, MemoryStore>>>();
      const sessions = stores.get("sessions");
      is<Same<typeof sessions, MemoryStore>>();
      await stores.get("names").set("ada", "Ada");
      // @ts-expect-error it is misspelt
      stores.get("sesions");
      // @ts-expect-error not what was declared
      await carts.set("ada", "a book");
      // @ts-expect-error no codec
      declareStores({ carts: "json" }, { root: memoryStore() });
      export const source: StoreSource<MemoryStore> = stores;
      const apart = declareStores({ carts: json<Cart>() }, { stores: { carts: memoryStore() } });
      is<Same<ReturnType<typeof apart.get<"carts">>, TypedStore<Cart, MemoryStore>>>();

      // Typed views.
      const cart = await carts.take("ada");
      is<Same<typeof cart, Cart | undefined>>();
      for await (const [key, value] of carts.entries({ prefix: "a" })) {
        is<Same<typeof key, string>>();
        is<Same<typeof value, Cart>>();
      }
      const child = await carts.withNamespace("eu").get("ada");
      is<Same<typeof child, Cart | undefined>>();
      const secret: Codec<Bytes> = { encode: (value) => value, decode: (stored) => stored };
      const encrypted = declareStores({ secrets: secret }, { root: memoryStore() }).get("secrets");
      is<Same<typeof encrypted, TypedStore<Bytes, MemoryStore>>>();
      // @ts-expect-error a typed view has no values of another type
      await carts.compareAndSet("ada", "x", "y");
      // @ts-expect-error a misspelt option
      carts.entries({ prefx: "a" });

      // A view with a default expiry is of the store's own type.
      const cache = withDefaultExpiry(memoryStore(), "1h");
      is<Same<typeof cache, MemoryStore>>();
      const cached = withDefaultExpiry(carts, { hours: 1 });
      is<Same<typeof cached, typeof carts>>();
      // @ts-expect-error text without a unit
      withDefaultExpiry(memoryStore(), "60");
    `,
  },
  {
    file: "on-node.ts",
    uses: ["@kv/from-url", "@kv/memory", "@kv/redis", "@kv/testkit", "@kv/valkey"],
    lib: ["es2022"],
    types: ["node"],
    resolutions: [nodenext], // the others are looked at by attw, for every package
    source: `
      import type { FullStore } from "@kv/core";
      import { storeFromUrl } from "@kv/from-url";
      import { memoryStore } from "@kv/memory";
      import { redisOptions, redisStore, type RedisStore } from "@kv/redis";
      import { type Harness, runCases } from "@kv/testkit";
      import { valkeyStore } from "@kv/valkey";

      export const redis: RedisStore = redisStore({ url: "redis://localhost", namespace: null });
      export const valkey: FullStore = valkeyStore({ url: "valkey://localhost", timeout: "2s" });
      export const retries: number = redisOptions().maxRetriesPerRequest;
      // @ts-expect-error a url or a client
      redisStore({});
      const backends = { memory: memoryStore, redis: redisStore, valkey: valkeyStore };
      export const opened: Promise<FullStore> = storeFromUrl(new URL("memory:"), { timeout: "2s", backends });
      // @ts-expect-error each has a factory of its own
      void storeFromUrl("memory:", { backends: { memory: redisStore } });
      const harness: Harness = {
        name: "memory",
        capabilities: ["batch"],
        open: () => ({ store: memoryStore() }),
      };
      export const results = runCases(harness);
    `,
  },
];
