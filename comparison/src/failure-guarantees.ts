import { until } from "@kv/test-servers";
import type { Guarantee } from "./guarantee.ts";

export const failureGuarantees: readonly Guarantee[] = [
  {
    says: "a write that the server never got is an error",
    on: ["Redis"],
    async holds({ open, server }) {
      const store = await open();
      await store.set("k", "v");
      await server().kill();
      return (await endOf(store.set("k", "w"))) === "rejected";
    },
  },
  {
    says: "a read without a server is an error, not a miss",
    on: ["Redis"],
    async holds({ open, server }) {
      const store = await open();
      await store.set("k", "v");
      await server().kill();
      return (await endOf(store.get("k"))) === "rejected";
    },
  },
  {
    says: "a call on a server that is silent ends by itself, in 15 s at most",
    on: ["Redis"],
    async holds({ open, server }) {
      const store = await open();
      await store.set("k", "v");
      await server().pause();
      try {
        return (await endOf(store.get("k"), 15_000)) !== "pending";
      } finally {
        server().resume();
      }
    },
  },
  {
    says: "calls after `close` are refused",
    on: ["memory"],
    async holds({ open }) {
      const store = await open();
      await store.set("k", "v");
      await store.close();
      return (await endOf(store.set("k", "w"))) === "rejected";
    },
  },
  {
    says: "cache-aside with one computation at a time in a process",
    on: ["memory"],
    async holds(trial) {
      const store = await trial.open();
      return (await computations([store.getOrSet, store.getOrSet])) === 1;
    },
  },
  {
    says: "cache-aside with one computation at a time among all processes",
    on: ["Redis"],
    async holds(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      return (await computations([one.getOrSet, other.getOrSet])) === 1;
    },
  },
];

/** What a call comes to: without a server, clients may try again for long. */
async function endOf(call: Promise<unknown>, limitMs = 30_000): Promise<"resolved" | "rejected" | "pending"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<"pending">((resolve) => {
    timer = setTimeout(resolve, limitMs, "pending");
  });
  const end = call.then(
    () => "resolved" as const,
    () => "rejected" as const,
  );
  try {
    return await Promise.race([end, limit]);
  } finally {
    clearTimeout(timer);
  }
}

type GetOrSet = ((key: string, compute: () => Promise<string>) => Promise<unknown>) | undefined;

/** How often it is computed when both ask for one missing key. The first computation waits a while for a second. */
async function computations(calls: readonly GetOrSet[]): Promise<number> {
  let started = 0;
  const compute = async (): Promise<string> => {
    started += 1;
    await until("another computation", 5_000, () => (started > 1 ? true : undefined)).catch(() => {});
    return "v";
  };
  await Promise.all(calls.map(async (getOrSet) => getOrSet?.("k", compute)));
  return started;
}
