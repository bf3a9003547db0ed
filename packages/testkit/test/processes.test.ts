import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStoreError } from "@kv/core";
import { createStore } from "@kv/core/driver";
import { caseName, caseRuns, type Harness, runCases } from "@kv/testkit";
import { openInProcess, type ProcessStore } from "@kv/testkit/process";
import { describe, expect, onTestFinished, test } from "vitest";
import { directoryDriver } from "./directory-driver.ts";

const module = new URL("./directory-process.ts", import.meta.url);
const execArgv = ["--conditions=@kv/source", "--import", "tsx"];

const harness: Harness = {
  name: "directory driver",
  capabilities: ["namespaces", "atomic"],
  open() {
    const directory = mkdtempSync(join(tmpdir(), "kv-testkit-"));
    const others: ProcessStore[] = [];
    return {
      store: createStore(directoryDriver(directory)),
      openAgain: () => createStore(directoryDriver(directory)),
      async openElsewhere() {
        const other = await openInProcess(module, { args: [directory], execArgv });
        others.push(other);
        return other;
      },
      async dispose() {
        for (const other of others) await other.close().catch(closedAlready);
        rmSync(directory, { recursive: true });
      },
    };
  },
};

describe("a store that processes share", () => {
  const runs = caseRuns(harness).filter(
    ({ testCase, place }) => place === "in a namespace" || testCase.rootOnly === true,
  );
  const between = runs.filter(({ testCase }) =>
    testCase.needs?.some((need) => need === "openElsewhere" || need === "openAgain"),
  );

  test("there are cases for two handles and for two processes", () => {
    expect(between.length).toBeGreaterThan(20);
  });

  test.each(between.map((run) => [`${caseName(run.testCase)}, ${run.place}`, run] as const))(
    "%s",
    { timeout: 300_000 },
    async (_, run) => {
      const { testCase, place } = run;
      const [result] = await runCases(harness, {
        filter: (each) => each.testCase === testCase && each.place === place,
        runs: 10,
      });
      const lacking = testCase.needs?.some(
        (need) => need === "batch" || need === "listing" || need === "expiry" || need === "fail",
      );
      if (result?.outcome === "failed") throw result.error;
      expect(result?.outcome).toBe(lacking === true ? "unproven" : "passed");
    },
  );
});

describe("a store in another process", () => {
  test("has the methods that the store there has, and no others", async () => {
    const store = await open();
    expect("increment" in store).toBe(true);
    expect("keys" in store).toBe(false);
    expect(store.namespace).toEqual([]);
    expect(store.withNamespace("a").withNamespace("b").namespace).toEqual(["a", "b"]);
  });

  test("rejects with the error that the store there rejects with", async () => {
    const store = await open();
    await store.set("key", "text");
    await expect(store.increment("key")).rejects.toSatisfy((error) =>
      isStoreError(error, "KV_NOT_AN_INTEGER"),
    );
    await expect(store.touch("key", 0)).rejects.toThrow(RangeError);
    expect(() => store.withNamespace("")).toThrow(RangeError);
  });

  test("is closed after close, and its process has ended", async () => {
    const store = await open();
    await store.set("key", "value");
    await store.close();
    await expect(store.get("key")).rejects.toSatisfy((error) => isStoreError(error, "KV_CLOSED"));
  });

  test("a module that serves no store is an error", async () => {
    const driverOnly = new URL("./directory-driver.ts", import.meta.url);
    await expect(openInProcess(driverOnly, { execArgv })).rejects.toThrow(/ended/);
  });
});

async function open(): Promise<ProcessStore> {
  const directory = mkdtempSync(join(tmpdir(), "kv-testkit-"));
  const store = await openInProcess(module, { args: [directory], execArgv });
  onTestFinished(async () => {
    await store.close().catch(closedAlready);
    rmSync(directory, { recursive: true });
  });
  return store;
}

function closedAlready(error: unknown): void {
  if (!isStoreError(error, "KV_CLOSED")) throw error;
}
