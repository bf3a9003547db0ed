import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { fileStoreIn } from "../src/store/file-store.ts";
import { bundled } from "./bundled.ts";
import { HeldDisk, isCommit } from "./held-disk.ts";
import { countOf } from "./ledger.ts";
import { ourDesign, storeOf } from "./mutants/mutated-store.ts";
import { lockOf, usedStoreIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// To back up, one copies the directory. A copy is a store like any other, also beside the one that it was made of,
// whose owners live and hold locks.

const copies = soak ? 100 : 10;

const parent = newParent();
let program = "";
beforeAll(async () => {
  program = await bundled("ledger-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const names = ["cp -a", "fs.cp"] as const;

describe.each(names)("S7 a copy (%s)", (name) => {
  test("made while an owner that lives holds a lock: the key is free in the copy, and held beside it", async () => {
    const directory = newDirectory(parent).path;
    const neighbour = await usedStoreIn(directory);
    await neighbour.set("key", "41");
    const disk = new HeldDisk(isCommit);
    const store = fileStoreIn({ directory, durability: "none", timeout: "10m" }, { disk });
    onTestFinished(() => store.close());
    onTestFinished(() => disk.release()); // closing waits for what is under way
    disk.arm();
    const counted = store.increment("key");
    await disk.held;
    expect(existsSync(lockOf(directory, "key"))).toBe(true);

    const copy = newDirectory(parent).path;
    await copied(name, directory, copy);
    const inCopy = storeOf(ourDesign, copy, {}, "gives up"); // there is no lock to wait for
    onTestFinished(() => inCopy.close());
    expect((await inCopy.increment("key", { by: 100 })).value).toBe(141);
    disk.release();
    expect((await counted).value, "the original goes on").toBe(42);
    expect((await inCopy.increment("key")).value, "each for itself").toBe(142);
    expect((await neighbour.increment("key")).value).toBe(43);
    // The copy's own work is its own: no owner is taken for gone, or to be there, because of the other directory.
    await inCopy.deleteExpired();
    expect(readdirSync(join(copy, "locks"))).toEqual([]);
    expect((await store.increment("key")).value).toBe(44);
  });
});

test(`S7 ${copies} copies (${names.join(", ")}) while three processes write: each opens at once, with every key usable and every entry whole`, {
  timeout: 600_000,
}, async () => {
  const directory = newDirectory(parent).path;
  const options = { directory, durability: "none", timeout: "5m" } as const;
  const store = fileStore(options);
  onTestFinished(() => store.close());
  await store.set("kept", "acknowledged");
  const writers = Array.from({ length: 3 }, (_, number) =>
    spawn(process.execPath, [program, JSON.stringify(options), `w${number}`], {
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  onTestFinished(() => {
    for (const writer of writers) writer.kill("SIGKILL");
  });
  for (const writer of writers) await once(writer.stdout, "data");
  for (const writer of writers) writer.stdout.resume();

  let keysSeen = 0;
  for (let round = 0; round < copies; round += 1) {
    await store.withNamespace("shared").deleteAll(); // or there is more to copy each time
    const copy = newDirectory(parent);
    await copied(names[round % 2] ?? names[0], directory, copy.path);
    const inCopy = storeOf(ourDesign, copy.path, {}, "gives up");
    expect(Buffer.from((await inCopy.get("kept")) ?? []).toString()).toBe("acknowledged");
    const own = inCopy.withNamespace("own");
    for await (const [key, value] of own.entries()) {
      expect(countOf(value), `${key} is whole`).toBeGreaterThan(0);
      keysSeen += 1;
    }
    for (const writer of writers.keys()) {
      for (let key = 0; key < 4; key += 1) {
        await own.set(`w${writer}-${key}`, "set in the copy");
        await own.withNamespace("below").increment(`w${writer}-${key}`);
      }
    }
    const shared = inCopy.withNamespace("shared");
    for await (const [key, value] of shared.entries()) await shared.set(key, value);
    await shared.increment("counter");
    await inCopy.deleteExpired();
    expect(writers.map(({ exitCode }) => exitCode)).toEqual([null, null, null]);
    await inCopy.close();
    copy.remove();
  }
  expect(keysSeen).toBeGreaterThan(copies);
});

/** Copies a directory as it is, also while files come and go: of those it cannot copy, it may say so, or stop. */
async function copied(name: (typeof names)[number], from: string, to: string): Promise<void> {
  if (name === "cp -a") {
    const child = spawn("cp", ["-a", from, to], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await once(child, "close");
    const other = said
      .split("\n")
      .filter((line) => line !== "" && !/No such file or directory|as it was replaced/.test(line));
    expect(other).toEqual([]);
    return;
  }
  for (;;) {
    try {
      return await cp(from, to, { recursive: true });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      rmSync(to, { recursive: true, force: true });
    }
  }
}
