import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FullStore, isStoreError } from "@kv/core";
import { type FileStoreOptions, fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { entryKey, layoutOf, locateNamespace } from "../src/format/layout.ts";
import { newDirectory, newParent, type TemporaryDirectory } from "./temporary.ts";

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const disks: readonly NonNullable<FileStoreOptions["disk"]>[] = ["local", "network"];

describe.each(disks)("S7 damage to an entry's file, disk %s", (disk) => {
  let directory: TemporaryDirectory;
  let store: FullStore;
  beforeEach(() => {
    directory = newDirectory(parent);
    store = fileStore({ directory: directory.path, disk, durability: "none" });
  });
  afterEach(async () => {
    await store.close();
    directory.remove();
  });

  const fileOf = (key: string): string =>
    entryKey(locateNamespace(layoutOf(directory.path).data, []), key).path;

  /** What stands at the entry's path is the value that was set, or is damage that is told of, and can be got rid of. */
  async function expectValueOrCorrupt(
    key: string,
    value: string,
    where: string,
  ): Promise<"same" | "corrupt"> {
    const damaged = readFileSync(fileOf(key));
    const seen = await outcomeOf(store.get(key));
    if (seen === value) return "same";
    expect(isStoreError(seen, "KV_CORRUPT"), `${where}: ${String(seen)}`).toBe(true);
    expect((seen as Error).message).toContain(fileOf(key));
    expect(readFileSync(fileOf(key)).equals(damaged), `${where}: reading leaves it as it is`).toBe(true);
    for (const change of [
      () => store.increment(key),
      () => store.compareAndSet(key, value, "other"),
      () => store.compareAndDelete(key, value),
      () => store.take(key),
      () => store.get(key, { renewFor: "1h" }),
    ]) {
      expect(isStoreError(await outcomeOf(change()), "KV_CORRUPT"), where).toBe(true);
      expect(readFileSync(fileOf(key)).equals(damaged), `${where}: and so does ${String(change)}`).toBe(true);
    }
    await store.deleteExpired();
    expect(readFileSync(fileOf(key)).equals(damaged), `${where}: no sweep removes it`).toBe(true);
    return "corrupt";
  }

  async function expectHealing(key: string, damage: () => void): Promise<void> {
    damage();
    await store.set(key, "healed", { keepExpiry: true });
    expect(await outcomeOf(store.get(key))).toBe("healed");
    damage();
    expect(await store.delete(key)).toBe(true);
    expect(await store.exists(key)).toBe(false);
    expect(existsSync(fileOf(key))).toBe(false);
  }

  test("every bit that flips is noticed, in head, address and value; set heals, delete removes", async () => {
    await store.set("kéy", "value", { expiresIn: "1h" });
    const whole = readFileSync(fileOf("kéy"));
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const flip = (): void => writeFileSync(fileOf("kéy"), flipped(whole, bit));
      flip();
      expect(await expectValueOrCorrupt("kéy", "value", `bit ${bit}`)).toBe("corrupt");
      if (bit % 9 === 0 || soak) await expectHealing("kéy", flip); // about one of each byte
    }
  });

  test("of a large value too, whose pieces are read one after the other", async () => {
    const value = "0123456789".repeat(130_000);
    await store.set("large", value, { expiresIn: "1h" });
    const whole = readFileSync(fileOf("large"));
    const head = Array.from({ length: 32 * 8 }, (_, bit) => bit);
    const edges = [40, 65_535, 65_536, 65_536 + 1_048_575, 65_536 + 1_048_576, whole.length - 1].map(
      (at) => at * 8 + 3,
    );
    for (const bit of soak ? [...head, ...edges] : [...head.filter((each) => each % 5 === 0), ...edges]) {
      writeFileSync(fileOf("large"), flipped(whole, bit));
      expect(await expectValueOrCorrupt("large", value, `bit ${bit}`)).toBe("corrupt");
    }
    await expectHealing("large", () => writeFileSync(fileOf("large"), flipped(whole, 8 * 32 + 100)));
  });

  test("cut off at any length, empty, or longer than it was", async () => {
    await store.set("key", "value");
    const whole = readFileSync(fileOf("key"));
    for (let length = 0; length <= whole.length + 3; length += 1) {
      const cut = (): void => {
        writeFileSync(fileOf("key"), whole);
        truncateSync(fileOf("key"), length);
      };
      cut();
      const found = await expectValueOrCorrupt("key", "value", `length ${length}`);
      expect(found).toBe(length === whole.length ? "same" : "corrupt");
      if (length !== whole.length) await expectHealing("key", cut);
    }
  });

  test("cut off, grown to a size that no memory holds: told of, and no memory is asked for", async () => {
    await store.set("large", "x".repeat(200_000));
    const whole = readFileSync(fileOf("large"));
    for (const length of [0, 16, 40, 65_535, 65_536, 65_537, whole.length - 1, whole.length + 1, 2 ** 42]) {
      writeFileSync(fileOf("large"), whole);
      truncateSync(fileOf("large"), length);
      expect(isStoreError(await outcomeOf(store.get("large")), "KV_CORRUPT"), `length ${length}`).toBe(true);
      expect(isStoreError(await outcomeOf(store.exists("large")), "KV_CORRUPT"), `length ${length}`).toBe(
        true,
      );
    }
    // The head says so too: the file may be whole, for all that can be known.
    const claims = Buffer.from(whole);
    claims.writeUIntBE(2 ** 42 - whole.readUInt32BE(16) - 32, 26, 6);
    writeFileSync(fileOf("large"), claims);
    truncateSync(fileOf("large"), 2 ** 42);
    const outcome = await outcomeOf(store.get("large"));
    expect(isStoreError(outcome, "KV_FAILED"), String(outcome)).toBe(true);
    expect((outcome as Error).message).toContain(`no memory for the entry in ${fileOf("large")}`);
    await store.set("large", "healed");
    expect(await outcomeOf(store.get("large"))).toBe("healed");
  });

  test("the file of another entry, moved or copied here, is not served", async () => {
    await store.set("key", "mine");
    await store.set("other", "its");
    await store.withNamespace("child").set("key", "the child's");
    const child = locateNamespace(layoutOf(directory.path).data, ["child"]);
    for (const from of [fileOf("other"), entryKey(child, "key").path]) {
      writeFileSync(fileOf("key"), readFileSync(from));
      await expectValueOrCorrupt("key", "mine", `a copy of ${from}`);
      expect(isStoreError(await outcomeOf(all(store.keys())), "KV_CORRUPT")).toBe(true);
    }
  });

  test("keys lists all others before it tells of damage, and deleteExpired passes it by", async () => {
    await store.set("damaged", "1");
    await store.set("whole", "2");
    await store.set("expired", "3", { expiresIn: { milliseconds: 1 } });
    while (await store.exists("expired"));
    writeFileSync(fileOf("damaged"), "something else");
    expect(isStoreError(await outcomeOf(all(store.keys())), "KV_CORRUPT")).toBe(true);
    expect(isStoreError(await outcomeOf(all(store.entries())), "KV_CORRUPT")).toBe(true);
    expect(await store.deleteExpired()).toBe(1);
    expect(readFileSync(fileOf("damaged"), "utf8")).toBe("something else");
    await store.delete("damaged");
    expect(await all(store.keys())).toEqual(["whole"]);
  });

  describe("what is no file of ours in an entry's place", () => {
    const target = (): string => `${directory.path}-elsewhere`;
    let held: (() => void) | undefined;
    let entry: Buffer;
    beforeEach(async () => {
      await store.set("key", "value");
      entry = readFileSync(fileOf("key"));
      rmSync(fileOf("key"));
      writeFileSync(target(), entry);
    });
    afterEach(() => {
      held?.();
      held = undefined;
      rmSync(target(), { recursive: true, force: true });
    });

    const kinds: Readonly<Record<string, (path: string) => void | Promise<void>>> = {
      "a foreign file": (path) => writeFileSync(path, "Dear diary, ".repeat(20)),
      "a large foreign file": (path) => writeFileSync(path, "Dear diary, ".repeat(20_000)),
      "a symbolic link to an entry": (path) => symlinkSync(target(), path),
      "a symbolic link to nothing": (path) => symlinkSync("/nowhere/at/all", path),
      "a symbolic link to itself": (path) => symlinkSync(path, path),
      "a FIFO without an end": (path) => void execFileSync("mkfifo", [path]),
      "a FIFO that somebody writes to": (path) => {
        execFileSync("mkfifo", [path]);
        const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
        held = () => closeSync(fd);
      },
      "a socket": async (path) => {
        const server = await listening(path);
        held = () => server.close();
      },
    };

    test.each(Object.keys(kinds))(
      "%s: KV_CORRUPT at once, never followed; set heals, delete removes",
      async (kind) => {
        const put = async (): Promise<void> => {
          held?.();
          held = undefined;
          rmSync(fileOf("key"), { force: true });
          await kinds[kind]?.(fileOf("key"));
        };
        await put();
        for (const call of [
          () => store.get("key"),
          () => store.exists("key"),
          () => store.expiresIn("key"),
          () => store.touch("key", "1h"),
          () => store.increment("key"),
          () => store.setIfAbsent("key", "other"),
          () => store.compareAndSet("key", "value", "other"),
          () => store.compareAndDelete("key", "value"),
          () => all(store.keys()),
        ]) {
          const outcome = await outcomeOf(call());
          expect(isStoreError(outcome, "KV_CORRUPT"), `${String(call)}: ${String(outcome)}`).toBe(true);
          expect((outcome as Error).message).toContain(fileOf("key"));
        }
        expect(await store.deleteExpired()).toBe(0);
        expect(lstatSync(fileOf("key"), { throwIfNoEntry: false })).toBeDefined();
        await store.set("key", "healed");
        expect(await outcomeOf(store.get("key"))).toBe("healed");
        await put();
        expect(await store.delete("key")).toBe(true);
        expect(lstatSync(fileOf("key"), { throwIfNoEntry: false })).toBeUndefined();
        await put();
        await store.deleteAll();
        expect(await all(store.keys())).toEqual([]);
        expect(readFileSync(target()).equals(entry), "what a link leads to is not touched").toBe(true);
      },
    );

    test.each(["empty", "with a file in it"])(
      "a directory, %s: KV_FAILED, names it and leaves it",
      async (how) => {
        mkdirSync(fileOf("key"));
        if (how !== "empty") writeFileSync(`${fileOf("key")}/precious`, "1");
        const before = readdirSync(fileOf("key"));
        for (const call of [
          () => store.get("key"),
          () => store.exists("key"),
          () => store.set("key", "1"),
          () => store.set("key", "x".repeat(100_000)),
          () => store.delete("key"),
          () => store.increment("key"),
          () => store.setIfAbsent("key", "1"),
          () => store.touch("key", "1h"),
          () => all(store.keys()),
        ]) {
          const outcome = await outcomeOf(call());
          expect(isStoreError(outcome, "KV_FAILED"), `${String(call)}: ${String(outcome)}`).toBe(true);
          expect((outcome as Error).message).toContain(
            `a directory is where the file of an entry belongs: ${fileOf("key")}`,
          );
          expect(readdirSync(fileOf("key"))).toEqual(before);
        }
        await store.set("other", "works");
        expect(await outcomeOf(store.get("other"))).toBe("works");
      },
    );
  });
});

async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    const value = await call;
    return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
  } catch (error) {
    return error;
  }
}

function flipped(whole: Buffer, bit: number): Buffer {
  const file = Buffer.from(whole);
  file.writeUInt8(file.readUInt8(bit >>> 3) ^ (1 << (bit & 7)), bit >>> 3);
  return file;
}

async function all<T>(listing: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of listing) found.push(each);
  return found;
}

/** In the place of an entry, whose path is too long for a socket: made nearby, and moved. */
async function listening(path: string): Promise<Server> {
  const nearby = join(tmpdir(), crypto.randomUUID());
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(nearby, resolve));
  execFileSync("mv", [nearby, path]);
  return server;
}
