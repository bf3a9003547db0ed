import { writeSync } from "node:fs";
import type { FullStore } from "@kv/core";
import { type FileStoreOptions, fileStore } from "@kv/file";

// Opens a store, makes some changes, closes it, and again, until it is killed: so it is often alone, and often not. Of
// a count in namespace a or b it says A or B before, and a or b when it is made; of what must not be, a line.

const [options = "", seed = "1"] = process.argv.slice(2);
let random = Number(seed);

for (;;) {
  const store = fileStore({
    ...(JSON.parse(options) as FileStoreOptions),
    disk: upTo(2) === 0 ? "local" : "network",
  });
  try {
    for (let left = 1 + upTo(upTo(3) === 0 ? 50 : 4); left > 0; left -= 1) await change(store);
    await store.close();
  } catch (error) {
    said(`\n${String(error)}\n`);
  }
  if (upTo(3) === 0) await waited(upTo(12));
}

async function change(store: FullStore): Promise<void> {
  const name = "ab".charAt(upTo(2));
  const namespace = store.withNamespace(name);
  const at = upTo(10);
  if (at < 3) {
    said(name.toUpperCase());
    await namespace.increment("count", { expiresIn: "1h" });
    said(name);
  } else if (at < 6) {
    const now = await namespace.get("count");
    if (now !== undefined) await compared(name, namespace, now);
  } else if (at === 6) {
    // Nobody shortens it again.
    if (!(await namespace.touch("count", "2h"))) return;
    const left = (await namespace.expiresIn("count")) ?? 0;
    if (left < 7_000) said(`\nthe expiry was lost: ${left}\n`);
  } else if (at === 7) {
    const mine = `mine ${process.pid}`;
    await namespace.set(mine, seed);
    if (!(await namespace.compareAndDelete(mine, seed))) said("\na value of its own was lost\n");
  } else if (at === 8) {
    await store.withNamespace("emptied").increment("count");
  } else if (upTo(2) === 0) {
    await store.withNamespace("emptied").deleteAll();
  } else {
    await store.deleteExpired();
  }
}

async function compared(name: string, namespace: FullStore, now: Uint8Array): Promise<void> {
  const next = String(Number(Buffer.from(now).toString()) + 1);
  said(name.toUpperCase());
  said((await namespace.compareAndSet("count", now, next, { keepExpiry: true })) ? name : "-");
}

function said(what: string): void {
  writeSync(1, what);
}

function upTo(bound: number): number {
  random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((random / 2_147_483_648) * bound);
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
