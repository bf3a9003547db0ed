import { rmSync, truncateSync } from "node:fs";
import { basename } from "node:path";
import type { Store } from "@kv/core";
import { type FileStoreOptions, fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import type { Harness, RunOptions } from "@kv/testkit";
import { type IdleProcess, openInProcess, type ProcessStore } from "@kv/testkit/process";
import { afterAll } from "vitest";
import { entryKey, layoutOf, locateNamespace } from "../src/format/layout.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { golden } from "./golden.ts";
import { errno, faultyDisk } from "./injected-faults.ts";
import { newDirectory, newParent } from "./temporary.ts";

/** How many random runs: an ordinary test run tries a sample. */
export const runs: RunOptions = soak ? {} : { runs: 10 };

/** Stores in directories of their own, with everything that a harness can do with one. */
export function fileHarness(name: string, given: Omit<FileStoreOptions, "directory">): Harness {
  const options = { timeout: "60s", ...given } as const; // no rule says how long a call takes, and a machine may be busy
  const parent = newParent(soak ? "disk" : "memory");
  const elsewhere = anotherProcess(parent, options);
  afterAll(() => rmSync(parent, { recursive: true, force: true }));
  return {
    name,
    capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
    golden,
    open() {
      const directory = newDirectory(parent);
      const all = { ...options, directory: directory.path };
      let fails = false;
      const disk = faultyDisk((call) => (fails ? errno("EIO", call) : undefined), options.disk);
      const opened: Store[] = [];
      const impatient: Store[] = [];
      const kept = <S extends Store>(store: S): S => {
        opened.push(store);
        return store;
      };
      return {
        store: kept(fileStoreIn(all, { disk })),
        openAgain: () => kept(fileStore(all)),
        openElsewhere: async () => kept(await elsewhere(basename(directory.path))),
        openImpatient(timeoutMs) {
          const store = fileStore({ ...all, timeout: `${timeoutMs}ms` });
          impatient.push(store);
          return store;
        },
        untouched: () => !directory.exists(),
        damage(key) {
          const { data } = layoutOf(directory.path);
          truncateSync(entryKey(locateNamespace(data, []), key).path, 40);
        },
        fail() {
          fails = true;
          return () => {
            fails = false;
          };
        },
        async dispose() {
          await Promise.allSettled(impatient.map((store) => store.close())); // may take longer than they wait
          for (const store of opened) await store.close();
          directory.remove();
        },
      };
    },
  };
}

/** Stores of another process: one for all, but for the case that lets it end by itself. */
function anotherProcess(
  parent: string,
  options: Omit<FileStoreOptions, "directory">,
): (name: string) => Promise<Store & IdleProcess> {
  const start = (): Promise<ProcessStore> =>
    openInProcess(new URL("store-process.ts", import.meta.url), {
      args: [parent, JSON.stringify(options)],
      execArgv: ["--conditions=@kv/source", "--import", "tsx"],
    });
  let shared: Promise<ProcessStore> | undefined;
  afterAll(async () => {
    await (await shared)?.close();
  });
  return async (name) => {
    shared ??= start();
    return Object.assign((await shared).withNamespace(name), {
      async endIdle() {
        const own = await start();
        await own.withNamespace(name).set("an idle store", "and then nothing", { expiresIn: "1h" });
        return own.endIdle();
      },
    });
  };
}
