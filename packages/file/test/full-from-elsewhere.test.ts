import { rmSync } from "node:fs";
import { join } from "node:path";
import type { FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { afterAll, describe, expect, test } from "vitest";
import { fill, fillInodes, may, mountTmpfs } from "./mounted.ts";
import { storeIn } from "./stores.ts";
import { newParent } from "./temporary.ts";

// A disk that others have filled, and a store that is opened to make room: it must not need any for that.

const parent = newParent();
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const unproven = may.mountTmpfs ? "" : " (unproven here: it takes root to mount a tmpfs)";

const removals: Readonly<
  Record<string, { call: (store: FullStore) => Promise<unknown>; answer: unknown; left: readonly string[] }>
> = {
  delete: { call: (store) => store.delete("key"), answer: true, left: ["other"] },
  deleteMany: { call: (store) => store.deleteMany(["key", "none"]), answer: 1, left: ["other"] },
  compareAndDelete: { call: (store) => store.compareAndDelete("key", "1"), answer: true, left: ["other"] },
  take: {
    call: async (store) => Buffer.from((await store.take("key")) ?? []).toString(),
    answer: "1",
    left: ["other"],
  },
  deleteExpired: { call: (store) => store.deleteExpired(), answer: 1, left: ["key", "other"] },
  deleteAll: { call: (store) => store.deleteAll(), answer: undefined, left: [] },
};

const ways = [
  { what: "room", options: "size=2m", fillUp: fill },
  { what: "inodes", options: "size=4m,nr_inodes=400", fillUp: fillInodes },
] as const;

describe.skipIf(!may.mountTmpfs).each(ways)(
  `S7 a disk without $what left, and a store that is opened then${unproven}`,
  ({ options, fillUp }) => {
    describe.each(["local", "network"] as const)("disk %s", (disk) => {
      test.each(Object.entries(removals))("%s goes on", async (_name, { call, answer, left }) => {
        const mounted = mountTmpfs(parent, options);
        const directory = join(mounted, "store");
        const before = fileStore({ directory });
        await before.setMany([
          ["key", "1"],
          ["other", "1"],
        ]);
        await before.set("expired", "1", { expiresIn: { milliseconds: 1 } });
        while (await before.exists("expired"));
        await before.close();
        fillUp(mounted);

        const store = storeIn({ directory, disk });
        expect(await call(store)).toEqual(answer);
        const others = storeIn({ directory });
        for (const key of ["key", "other"]) expect(await others.exists(key), key).toBe(left.includes(key));
      });
    });
  },
);
