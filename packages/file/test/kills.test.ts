import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { type FileStoreOptions, fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundled } from "./bundled.ts";
import { countOf, Ledger } from "./ledger.ts";
import { newDirectory, newParent } from "./temporary.ts";

const rounds = soak ? 1_000 : 60;
const writersAtOnce = 3;

const parent = newParent();
let program = "";
beforeAll(async () => {
  program = await bundled("ledger-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

interface Writer {
  readonly child: ChildProcess;
  readonly ledger: Ledger;
  readonly ended: Promise<unknown>;
}

function startWriter(options: FileStoreOptions, name: string): Writer {
  const child = spawn(process.execPath, [program, JSON.stringify(options), name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ledger = new Ledger();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => ledger.read(text));
  return { child, ledger, ended: once(child, "close") };
}

async function killed({ child, ledger, ended }: Writer, afterLines: number): Promise<Ledger> {
  const untilMs = performance.now() + 600_000;
  while (ledger.lines < afterLines) {
    expect(performance.now(), "the writer writes").toBeLessThan(untilMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  child.kill("SIGKILL");
  await ended;
  return ledger;
}

test(`kill -9, ${rounds} times among ${writersAtOnce} writers: nothing is lost, torn or counted wrong`, {
  timeout: 1_800_000,
}, async () => {
  const options = { directory: newDirectory(parent).path, durability: "none", timeout: "5m" } as const;
  const store = fileStore(options);
  const own = store.withNamespace("own");
  let started = 0;
  const start = (): Writer => startWriter(options, `w${(started += 1)}`);
  const writers = Array.from({ length: writersAtOnce }, start);
  const ledgers: Ledger[] = [];
  let looked = 0;

  async function check(ledger: Ledger): Promise<void> {
    expect(ledger.failures).toEqual([]);
    for (const key of ledger.keys()) {
      const value = await own.get(key); // KV_CORRUPT if it were damaged
      const count = value === undefined ? 0 : countOf(value);
      expect(ledger.allowed(key), key).toContain(count);
      looked += 1;
      // The next operation works, also where the killed process has left its lock.
      await own.set(key, "after");
      expect(await own.delete(key)).toBe(true);
    }
    ledgers.push(ledger);
  }

  for (let round = 0; round < rounds; round += 1) {
    const victim = round % writersAtOnce;
    const writer = writers[victim] as Writer;
    writers[victim] = start();
    await check(await killed(writer, 20 + Math.floor(Math.random() * 60)));
    if (round % 20 === 19) await store.deleteExpired();
  }
  for (const writer of writers) await check(await killed(writer, 20));

  const begun = ledgers.reduce((sum, ledger) => sum + ledger.incrementsBegun, 0);
  const done = ledgers.reduce((sum, ledger) => sum + ledger.incrementsDone, 0);
  const shared = store.withNamespace("shared");
  const counter = Number(Buffer.from((await shared.get("counter")) ?? []).toString());
  expect(done).toBeGreaterThan(rounds);
  expect(counter, "acknowledged increments").toBeGreaterThanOrEqual(done);
  expect(counter, "begun increments").toBeLessThanOrEqual(begun);
  const claims = new Map<string, string>();
  for (const [claim, by] of ledgers.flatMap((ledger) => ledger.claims)) {
    expect(claims.get(claim), `claim ${claim}, of two`).toBeUndefined();
    claims.set(claim, by);
    expect(Buffer.from((await shared.get(`claim ${claim}`)) ?? []).toString()).toBe(by);
  }
  if (soak) {
    // oxlint-disable-next-line no-console -- the result of a soak is to be written down
    console.info(
      `kills: ${rounds + writersAtOnce}, keys looked at: ${looked}, increments: ${done} acknowledged <= ${counter} <= ${begun} begun, claims: ${claims.size}`,
    );
  }
  await store.deleteExpired();
  await store.close();
});
