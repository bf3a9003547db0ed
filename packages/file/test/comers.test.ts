import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { fileStore } from "@kv/file";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundled } from "./bundled.ts";
import { soak } from "./harness.ts";
import { newDirectory, newParent } from "./temporary.ts";

// Processes that open a store, change a little and close it, all in one directory, some of which are killed.

const generations = soak ? 300 : 4;
const processes = 3;
/** How much each says before it is killed. */
const enough = soak ? 1_000 : 300;

const parent = newParent("memory");
let program = "";
beforeAll(async () => {
  program = await bundled("comers-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

test("A1 A2 T3 all that owners have counted that come, go and are killed is there, and nothing else", {
  timeout: 3_600_000,
}, async () => {
  const options = { directory: newDirectory(parent).path, durability: "none", timeout: "60s" } as const;
  const counts = { a: { made: 0, begun: 0 }, b: { made: 0, begun: 0 } };
  async function lineage(number: number): Promise<void> {
    for (let generation = 0; generation < generations; generation += 1) {
      const said = await saidUntilKilled([JSON.stringify(options), `${generation * processes + number + 1}`]);
      expect(said).toMatch(/^[ABab-]*$/);
      for (const name of ["a", "b"] as const) {
        counts[name].made += said.replaceAll(new RegExp(`[^${name}]`, "g"), "").length;
        if (said.endsWith(name.toUpperCase())) counts[name].begun += 1;
      }
    }
  }
  await Promise.all(Array.from({ length: processes }, (_, number) => lineage(number)));

  const store = fileStore(options);
  for (const name of ["a", "b"] as const) {
    const { made, begun } = counts[name];
    const value = await store.withNamespace(name).get("count");
    const count = Number(Buffer.from(value ?? []).toString());
    expect(made).toBeGreaterThan(0);
    expect(count).toBeGreaterThanOrEqual(made);
    expect(count).toBeLessThanOrEqual(made + begun);
  }
  await store.deleteExpired();
  await store.close();
  for (const name of ["locks", "owners", "trash"]) {
    expect(readdirSync(`${options.directory}/${name}`), name).toEqual([]);
  }
});

async function saidUntilKilled(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.length >= enough) child.kill("SIGKILL");
  });
  await once(child, "close");
  return said;
}
