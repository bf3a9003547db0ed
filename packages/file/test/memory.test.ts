import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { soak } from "@kv/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { layoutOf } from "../src/format/layout.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { bundled } from "./bundled.ts";
import { faultyDisk } from "./injected-faults.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const { path: directory } = newDirectory(parent);
const entries = 20_000;
const folders = `${layoutOf(directory).data}/d`;
const limit = { timeout: 300_000 };

/** Names that were read from folders, and the files that were opened since: the names that are held are those between. */
let named = 0;
let opened = 0;
let mostHeld = 0;
const store = fileStoreIn(
  { directory, durability: "none" },
  {
    disk: faultyDisk(({ name, args }) => {
      const path = String(args[0]);
      if (name === "open" && path.startsWith(`${folders}/`)) opened += 1;
      if (name === "list" && path.startsWith(`${folders}/`)) {
        named += readdirSync(path).length;
        mostHeld = Math.max(mostHeld, named - opened);
      }
      return undefined;
    }),
  },
);

beforeAll(async () => {
  for (let at = 0; at < entries; at += 1) {
    await store.set(`key ${at}`, "value", at % 2 === 0 ? {} : { expiresIn: "1ms" });
  }
  while (await store.exists(`key ${entries - 1}`)); // the last one expires last
}, limit.timeout);
afterAll(() => store.close());

function startCounting(): void {
  named = 0;
  opened = 0;
  mostHeld = 0;
}

/** A folder holds a 256th of the entries, a little more or less. */
const aFolder = (entries / 256) * 2;

test("N6 keys holds the names of one folder at a time, however many there are", limit, async () => {
  startCounting();
  let count = 0;
  for await (const key of store.keys()) count += key.length > 0 ? 1 : 0;
  expect(count).toBe(entries / 2);
  expect(named).toBe(entries);
  expect(mostHeld).toBeLessThan(aFolder);
});

test("N6 a listing that is left early has read no more than it gave, and a folder", limit, async () => {
  startCounting();
  for await (const key of store.keys()) {
    expect(key).toMatch(/^key/);
    break;
  }
  expect(named).toBeLessThan(aFolder * 2);
  expect(opened).toBeLessThan(aFolder * 2);
});

test("T6 deleteExpired holds the names of one folder at a time", limit, async () => {
  startCounting();
  expect(await store.deleteExpired()).toBe(entries / 2);
  expect(named).toBe(entries);
  expect(mostHeld).toBeLessThan(aFolder);
});

if (soak) {
  test("N6 T6 N2 a million entries are walked through in bounded memory", {
    timeout: 1_800_000,
  }, async () => {
    const program = await bundled("memory-process.ts", parent);
    const options = JSON.stringify({ directory: newDirectory(parent).path, durability: "none" });
    const child = spawnSync(process.execPath, ["--expose-gc", program, options, "1000000"], {
      encoding: "utf8",
    });
    expect(child).toMatchObject({ status: 0, stderr: "" });
    const { found, growth } = JSON.parse(child.stdout) as Record<"found" | "growth", Record<string, number>>;
    // oxlint-disable-next-line no-console -- the result of a soak is to be written down
    console.info(`a million entries, growth of the process in MB: ${JSON.stringify(growth)}`);
    expect(found).toEqual({ keys: 500_000, deleteExpired: 500_001 });
    // The names of a million entries alone would take a hundred.
    for (const walk of ["keys", "deleteExpired", "deleteAll"]) expect(growth[walk], walk).toBeLessThan(64);
  });
}
