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
    file: "on-node.ts",
    uses: ["@kv/memory", "@kv/redis", "@kv/testkit", "@kv/valkey"],
    lib: ["es2022"],
    types: ["node"],
    resolutions: [nodenext], // the others are looked at by attw, for every package
    source: `
      import type { FullStore } from "@kv/core";
      import { memoryStore } from "@kv/memory";
      import { redisOptions, redisStore, type RedisStore } from "@kv/redis";
      import { type Harness, runCases } from "@kv/testkit";
      import { valkeyStore } from "@kv/valkey";

      export const redis: RedisStore = redisStore({ url: "redis://localhost", namespace: null });
      export const valkey: FullStore = valkeyStore({ url: "valkey://localhost", timeout: "2s" });
      export const retries: number = redisOptions().maxRetriesPerRequest;
      // @ts-expect-error a url or a client
      redisStore({});
      const harness: Harness = {
        name: "memory",
        capabilities: ["batch"],
        open: () => ({ store: memoryStore() }),
      };
      export const results = runCases(harness);
    `,
  },
];
