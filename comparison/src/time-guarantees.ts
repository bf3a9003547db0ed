import type { RunningServer } from "@kv/test-servers";
import type { Guarantee } from "./guarantee.ts";
import type { PeerStore } from "./peer.ts";
import { absent, textOf } from "./storing-guarantees.ts";

const hourMs = 3_600_000;

export const timeGuarantees: readonly Guarantee[] = [
  {
    says: "entries can expire",
    on: ["memory", "Redis"],
    async holds({ open }) {
      const store = await open();
      await store.set("k", "v", 1_000);
      return expires(store, "k");
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
      if (!(await expires(store, "short"))) return false;
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

/** Looks at an entry of a second 150 times, 20 ms apart: that is 3 seconds, or more on a machine that is busy. */
async function expires(store: PeerStore, key: string): Promise<boolean> {
  for (let looks = 0; looks < 150; looks += 1) {
    if (absent(await store.get(key))) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** What the server says of each key: the milliseconds left, -1 for a key without expiry. */
async function expiriesMs(server: RunningServer): Promise<number[]> {
  const keys = (await server.command("KEYS", "*")) as string[];
  return Promise.all(keys.map(async (key) => Number(await server.command("PTTL", key))));
}
