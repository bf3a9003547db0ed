import { rmSync } from "node:fs";
import { fileStore } from "@kv/file";
import { afterAll, describe, expect, test } from "vitest";
import { type Disk, readFlags } from "../src/disk/file-system.ts";
import { layoutOf } from "../src/format/layout.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { crashState, randomOf, rebuild } from "./crash-states.ts";
import { RecordedDisk } from "./recorded-disk.ts";
import { newParent } from "./temporary.ts";

const parents: string[] = [];
afterAll(() => {
  for (const parent of parents) rmSync(parent, { recursive: true, force: true });
});

describe("S7 durability full, while another store has moved a namespace away and not made that last", () => {
  test("a set that it overtook is there after a power cut, or nothing is", async () => {
    const moving = movingDisk();
    const a = fileStoreIn({ directory: moving.directory }, { disk: moving }).withNamespace("a");
    await a.set("key", "old");
    moving.movesWhenOpened(/\/n-a\/d\/..\/\.$/);
    await a.set("key", "new");
    for (const left of await moving.leftOfKey()) expect(["new", undefined]).toContain(left);
  });

  test("a deleteAll that finds nothing any more has removed it for good", async () => {
    const moving = movingDisk();
    const a = fileStoreIn({ directory: moving.directory }, { disk: moving }).withNamespace("a");
    await a.set("key", "old");
    moving.move();
    await a.deleteAll();
    for (const left of await moving.leftOfKey()) expect(left).toBeUndefined();
  });
});

interface MovingDisk extends Disk {
  readonly directory: string;
  /** The first step of another store's deleteAll of the namespace `a`. */
  move(): void;
  /** Makes it just before a path is opened. */
  movesWhenOpened(path: RegExp): void;
  /** What the key holds after power cuts that come now. */
  leftOfKey(): Promise<(string | undefined)[]>;
}

function movingDisk(): MovingDisk {
  const path = newParent("memory");
  const parent = newParent("memory");
  parents.push(path, parent);
  const disk = new RecordedDisk(path, "local");
  const directory = `${path}/kv`;
  const { data, trash } = layoutOf(directory);
  let awaited: RegExp | undefined;
  const move = (): void => void disk.inline.rename(`${data}/n/n-a`, `${trash}/1`);
  return {
    directory,
    pooled: disk.pooled,
    inline: {
      ...disk.inline,
      open(opened, flags) {
        if (flags === readFlags && awaited?.test(opened) === true) {
          awaited = undefined;
          move();
        }
        return disk.inline.open(opened, flags);
      },
    },
    move,
    movesWhenOpened(opened) {
      awaited = opened;
    },
    async leftOfKey() {
      expect(awaited, "the move is made").toBeUndefined();
      const random = randomOf(1);
      const found: (string | undefined)[] = [];
      for (let count = 0; count < 60; count += 1) {
        rebuild(crashState(disk.root, disk.moment, random), `${parent}/${count}`);
        const store = fileStore({ directory: `${parent}/${count}/kv` });
        const value = await store.withNamespace("a").get("key");
        found.push(value && Buffer.from(value).toString());
        await store.close();
      }
      return found;
    },
  };
}
