import { rmSync } from "node:fs";
import { type FullStore, isStoreError } from "@kv/core";
import { fileStore } from "@kv/file";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type Disk, disks, type FileSystem } from "../src/disk/file-system.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { aroundEach, errno, faultyDisk } from "./injected-faults.ts";
import { listed, outcomeOf, storeIn, usedStoreIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// What other file systems and other runtimes answer, injected.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe.each(["EPERM", "ENOTSUP"])("S7 a file system without hard links (%s)", (code) => {
  const firstCalls: readonly { name: string; call: (store: FullStore) => Promise<unknown> }[] = [
    { name: "get", call: (store) => store.get("key") },
    { name: "set", call: (store) => store.set("key", "1") },
    { name: "increment", call: (store) => store.increment("key") },
    { name: "keys", call: (store) => listed(store.keys()) },
  ];

  test.each(firstCalls)("is told of by the first call there is: $name", async ({ call }) => {
    const disk = faultyDisk((each) => (each.name === "link" ? errno(code, each) : undefined));
    const store = storeIn({ directory: newDirectory(parent).path }, { disk });
    const outcome = await outcomeOf(() => call(store));
    expect(outcome).toMatchObject({ code: "KV_FAILED", message: expect.stringMatching(/hard links/) });
  });
});

describe("S7 a runtime whose errors have a code and no number", () => {
  test("a directory that was removed ends nothing, also not through the sign of life", async () => {
    const directory = newDirectory(parent);
    const warnings = warned();
    await usedStoreIn(directory.path);
    let beats = 0;
    const disk = withoutNumbers((name) => {
      if (name === "touch") beats += 1;
    });
    const store = storeIn({ directory: directory.path, durability: "none" }, { disk });
    expect((await store.increment("key")).value).toBe(1);
    directory.remove();
    beats = 0;
    await expect.poll(() => beats, { timeout: 60_000 }).toBeGreaterThan(0);
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
    expect(await store.get("key")).toBeUndefined();
    expect((await store.increment("key")).value).toBe(1);
  });

  test("does all that others do", async () => {
    const directory = newDirectory(parent).path;
    await usedStoreIn(directory);
    const store = storeIn({ directory }, { disk: withoutNumbers() });
    await store.set("key", "41", { expiresIn: "1h" });
    expect((await store.increment("key")).value).toBe(42);
    expect(await store.touch("key", "2h")).toBe(true);
    expect(await store.get("none")).toBeUndefined();
    expect(await store.delete("none")).toBe(false);
    expect(await store.delete("key")).toBe(true);
    await store.withNamespace("child").set("key", "1");
    expect(await store.deleteExpired()).toBe(0);
    await store.deleteAll();
    expect(await listed(store.namespaces())).toEqual([]);
    rmSync(directory, { recursive: true });
    await store.set("key", "1");
    expect(await listed(store.keys())).toEqual(["key"]);
  });
});

/** The disk of a runtime whose errors have no `errno`. */
function withoutNumbers(called: (name: keyof FileSystem) => void = () => {}): Disk {
  const { inline, pooled } = disks.local;
  return { inline: stripped(inline), pooled: stripped(pooled) };

  function stripped(files: FileSystem): FileSystem {
    return aroundEach(files, ({ name }, call) => {
      called(name);
      try {
        const answer = call();
        return answer instanceof Promise ? answer.catch(throwWithout) : answer;
      } catch (error) {
        return throwWithout(error);
      }
    });
  }

  function throwWithout(error: unknown): never {
    if (error instanceof Error && "errno" in error) delete error.errno;
    throw error;
  }
}

/** The warnings of the process from now on. */
function warned(): readonly string[] {
  const warnings: string[] = [];
  const listen = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", listen);
  onTestFinished(() => void process.off("warning", listen));
  return warnings;
}

describe("S7 a file handle that the server does not know any more (ESTALE)", () => {
  const operations: Readonly<Record<string, (store: FullStore) => Promise<unknown>>> = {
    get: async (store) => textOf(await store.get("key")),
    "get of a large value": async (store) => (await store.get("large"))?.length,
    exists: (store) => store.exists("key"),
    keys: async (store) => (await listed(store.keys())).toSorted(),
    set: (store) => store.set("key", "50"),
    increment: async (store) => (await store.increment("key")).value,
    touch: (store) => store.touch("key", "9h"),
    delete: (store) => store.delete("key"),
    take: async (store) => textOf(await store.take("key")),
    compareAndSet: (store) => store.compareAndSet("key", "41", "50"),
    deleteAll: (store) => store.deleteAll(),
    deleteExpired: (store) => store.deleteExpired(),
  };

  describe.each(["once", "from then on"])("%s", (howLong) => {
    test.each(Object.keys(operations))(
      "at any call of %s: it is done over, or told of, and nothing is missed that is there",
      async (name) => {
        const untouched = await stateAfter(undefined);
        const done = await stateAfter(name);
        let at = 1;
        for (let isOver = false; !isOver; ) {
          // Some are tried again until their timeout: several beside each other.
          const tries = Array.from({ length: 8 }, (_, more) =>
            tried(name, at + more, howLong === "once", untouched, done),
          );
          const reached = await Promise.all(tries);
          isOver = reached.includes(false);
          at += isOver ? reached.indexOf(false) : reached.length;
        }
        expect(at).toBeGreaterThan(2);
      },
    );
  });

  /** Gives whether there was such a call. */
  async function tried(
    name: string,
    at: number,
    once: boolean,
    untouched: Seen,
    done: Seen,
  ): Promise<boolean> {
    const where = `${name}, ESTALE at call ${at}`;
    const directory = newDirectory(parent);
    await prepare(directory.path);
    let calls = 0;
    let ends = false;
    const disk = faultyDisk((call) => {
      if (ends || !["open", "read", "rename"].includes(call.name)) return undefined;
      calls += 1;
      return calls === at || (calls > at && !once) ? errno("ESTALE", call) : undefined;
    });
    const store = fileStoreIn({ directory: directory.path, durability: "none", timeout: "1s" }, { disk });
    const outcome = await outcomeOf(async () => operations[name]?.(store));
    ends = true;
    const reached = calls >= at;
    const { state } = await seen(directory.path);
    if (isStoreError(outcome)) {
      expect(outcome.message, where).not.toMatch(/the file system failed; see the cause/);
      expect(["KV_CORRUPT", "KV_DENIED", "KV_FULL"], where).not.toContain(outcome.code);
      if (outcome.code === "KV_UNAVAILABLE" || outcome.code === "KV_TIMEOUT") {
        expect(state, where).toBe(untouched.state);
      } else expect([untouched.state, done.state], where).toContain(state);
    } else {
      expect(outcome, where).toEqual(done.answer);
      expect(state, where).toBe(done.state);
    }
    const again = await untilDone(() => store.increment("again"));
    expect(again.value, `${where}: it goes on`).toBe(1);
    await store.close();
    directory.remove();
    return reached;
  }

  /** What a call gives once it is done: one that a busy machine kept from its work has changed nothing. */
  async function untilDone<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isStoreError(error, "KV_TIMEOUT") && !isStoreError(error, "KV_UNAVAILABLE")) throw error;
      }
    }
  }

  interface Seen {
    readonly answer?: unknown;
    readonly state: string;
  }

  async function stateAfter(name: string | undefined): Promise<Seen> {
    const directory = newDirectory(parent);
    await prepare(directory.path);
    const store = fileStore({ directory: directory.path, durability: "none" });
    const answer = name === undefined ? undefined : await operations[name]?.(store);
    await store.close();
    const { state } = await seen(directory.path);
    directory.remove();
    return { answer, state };
  }

  async function prepare(directory: string): Promise<void> {
    const store = fileStore({ directory, durability: "none" });
    await store.set("key", "41", { expiresIn: "1h" });
    await store.set("large", "y".repeat(200_000));
    await store.set("expired", "1", { expiresIn: { milliseconds: 1 } });
    while (await store.exists("expired"));
    await store.close();
  }

  async function seen(directory: string): Promise<Seen> {
    const store = fileStore({ directory, durability: "none" });
    const left = await store.expiresIn("key");
    const state = JSON.stringify([
      textOf(await store.get("key")),
      left === undefined ? "none" : Math.round(left / 3_600),
      (await store.get("large"))?.length,
    ]);
    await store.close();
    return { state };
  }
});

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
