import { type RunningServer, until } from "@kv/test-servers";
import type { Guarantee } from "./guarantee.ts";
import { absent, textOf } from "./storing-guarantees.ts";

const hourMs = 3_600_000;

export const timeGuarantees: readonly Guarantee[] = [
  {
    says: "entries can expire",
    on: ["memory", "Redis"],
    async holds({ open }) {
      const store = await open();
      await store.set("k", "v", 1_000);
      await until("it expires", 3_000, async () => absent(await store.get("k")) || undefined);
      return true;
    },
  },
  {
    says: "lifetimes below a second",
    on: ["Redis"],
    async holds({ open, server }) {
      await (await open()).set("k", "v", 400);
      return (await expiriesMs(server())).every((leftMs) => leftMs <= 400);
    },
  },
  {
    says: "an entry without a lifetime stays until it is deleted",
    on: ["Redis"],
    async holds({ open, server }) {
      await (await open()).set("k", "v");
      return (await expiriesMs(server())).every((leftMs) => leftMs === -1);
    },
  },
  {
    says: "entries in memory expire with time, not with a jump of the wall clock",
    on: ["memory"],
    alone: true,
    async holds({ open }) {
      const store = await open();
      await store.set("short", "v", 1_000);
      await until("it expires", 3_000, async () => absent(await store.get("short")) || undefined);
      await store.set("k", "v", hourMs);
      const { now } = Date;
      Date.now = () => now() + 2 * hourMs;
      try {
        return textOf(await store.get("k")) === "v";
      } finally {
        Date.now = now;
      }
    },
  },
];

/** What the server says of each key: the milliseconds left, -1 for a key without expiry. */
async function expiriesMs(server: RunningServer): Promise<number[]> {
  const keys = (await server.command("KEYS", "*")) as string[];
  return Promise.all(keys.map(async (key) => Number(await server.command("PTTL", key))));
}
