import { once } from "node:events";
import { rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { FullStore } from "@kv/core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type DirectoryId, livenessOf, newOwnerId } from "../src/ownership/owner-id.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { bundled } from "./bundled.ts";
import { heldProcess } from "./held-child.ts";
import { HeldDisk, isCommit } from "./held-disk.ts";
import { ourDesign, storeOf } from "./mutants/mutated-store.ts";
import { listed, lockOf, outcomeOf, storeIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent();
let program = "";
beforeAll(async () => {
  program = await bundled("held-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** All that has to wait for the lock of the key. */
const changes: readonly ((store: FullStore) => Promise<unknown>)[] = [
  (store) => store.set("key", "new"),
  (store) => store.delete("key"),
  (store) => store.touch("key", "3h"),
  (store) => store.get("key", { renewFor: "3h" }),
  (store) => store.increment("key"),
  (store) => store.compareAndSet("key", "41", "new"),
  (store) => store.compareAndDelete("key", "41"),
  (store) => store.take("key"),
];

describe("S7 a process that was stopped (SIGSTOP) while it holds a lock", () => {
  test.each(changes)(
    "is never robbed, however long it is still: KV_TIMEOUT of %s, and nothing is changed",
    async (change) => {
      const { directory, store } = await prepared();
      const { child, said } = await heldProcess(program, directory);
      child.kill("SIGSTOP");
      // A heartbeat that has stood still for this long would be enough to rob it, if it could not be looked at.
      const impatient = givingUp(directory, 0);
      for (let round = 0; round < 3; round += 1) {
        const outcome = await outcomeOf(() => change(impatient));
        expect(outcome).toMatchObject({ code: "KV_TIMEOUT" });
        expect(String(outcome)).toContain(lockOf(directory, "key"));
      }
      // Reads go on, and so do changes of other keys.
      for (const other of [impatient, store]) {
        expect(textOf(await other.get("key"))).toBe("41");
        expect(await other.exists("key")).toBe(true);
        expect((await other.expiresIn("key")) ?? 0).toBeLessThan(7_200.001);
        expect((await listed(other.keys())).toSorted()).toEqual(["key", "other"]);
        expect(await other.deleteExpired()).toBe(0);
      }
      await store.set("other", "2");

      const done = said();
      child.kill("SIGCONT");
      child.send("go on");
      expect(await done).toEqual({ done: "42" });
      expect((await store.increment("key")).value).toBe(43);
    },
  );

  test("is waited for until the timeout is over", async () => {
    const { directory } = await prepared();
    const { child } = await heldProcess(program, directory);
    child.kill("SIGSTOP");
    const store = storeIn({ directory, durability: "none", timeout: "100ms" });
    const outcome = await outcomeOf(() => store.increment("key"));
    expect(outcome).toMatchObject({ code: "KV_TIMEOUT" });
    expect(String(outcome)).toMatch(/within 100 ms; nothing was changed/);
  });

  test("that is killed is not waited for", async () => {
    const { directory, store } = await prepared();
    const { child } = await heldProcess(program, directory);
    child.kill("SIGSTOP");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect((await store.increment("key")).value).toBe(42);
  });
});

describe("S7 a worker thread that was terminated while it holds a lock", () => {
  test("is waited for as long as it may live, and then fenced: its change was not made", async () => {
    const { directory } = await prepared();
    const worker = new Worker(program, { argv: [directory] });
    onTestFinished(async () => void (await worker.terminate()));
    expect(await once(worker, "message")).toEqual(["held"]);
    await worker.terminate();
    const patient = givingUp(directory, Number.POSITIVE_INFINITY);
    expect(await outcomeOf(() => patient.increment("key"))).toMatchObject({ code: "KV_TIMEOUT" });
    expect(textOf(await patient.get("key"))).toBe("41");
    const store = storeIn({ directory, durability: "none" }, { heartbeatTimeoutMs: 1 });
    expect((await store.increment("key")).value).toBe(42);
  });
});

describe("S7 an owner that cannot be looked at", () => {
  /** Its identity, where one part of it is another's. */
  const elsewhere: Readonly<Record<string, (parts: string[]) => void>> = {
    "in another process namespace (a container)": (parts) => void (parts[3] = "4026530000"),
    "on another machine": (parts) => void (parts[4] = "00000000"),
    "in another thread": (parts) => void (parts[5] = "77"),
  };

  test.each(Object.keys(elsewhere))(
    "%s, is fenced when it gives no sign of liveness: both changes are made, one after the other",
    async (where) => {
      const { directory } = await prepared();
      const disk = new HeldDisk(isCommit);
      let ownerId: string | undefined;
      const far = fileStoreIn(
        { directory, durability: "none", timeout: "10m" },
        {
          disk,
          newOwnerId(home) {
            if (ownerId !== undefined) return newOwnerId(home);
            ownerId = identityWith(elsewhere[where], home);
            return ownerId;
          },
        },
      );
      onTestFinished(() => far.close());
      disk.arm();
      const first = far.increment("key");
      await disk.held;
      expect(livenessOf(ownerId ?? "")).toBe("unknown");
      const patient = givingUp(directory, Number.POSITIVE_INFINITY);
      expect(await outcomeOf(() => patient.increment("key"))).toMatchObject({ code: "KV_TIMEOUT" });
      const near = storeIn({ directory, durability: "none" }, { heartbeatTimeoutMs: 1 });
      expect((await near.increment("key")).value).toBe(42);
      disk.release();
      expect((await first).value).toBe(43);
      expect(textOf(await near.get("key"))).toBe("43");
    },
  );

  test("from before the machine was started again, has ended", () => {
    expect(livenessOf(identityWith((parts) => void (parts[2] = "00000000")))).toBe("ended");
  });

  test("whose number another process has now, has ended", () => {
    expect(livenessOf(identityWith((parts) => void (parts[1] = "1")))).toBe("ended");
  });
});

/** Gives up where it finds the lock of an owner that may live, instead of after its timeout. */
function givingUp(directory: string, heartbeatTimeoutMs: number): FullStore {
  const store = storeOf(ourDesign, directory, { heartbeatTimeoutMs }, "gives up");
  onTestFinished(() => store.close());
  return store;
}

function identityWith(change?: (parts: string[]) => void, home: DirectoryId = { dev: 0, ino: 0 }): string {
  const parts = newOwnerId(home).split("-");
  change?.(parts);
  return parts.join("-");
}

async function prepared(): Promise<{ directory: string; store: FullStore }> {
  const directory = newDirectory(parent).path;
  const store = storeIn({ directory, durability: "none" });
  await store.set("key", "41", { expiresIn: "2h" });
  await store.set("other", "1");
  return { directory, store };
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
