import { chmodSync, cpSync } from "node:fs";
import { fileStore } from "@kv/file";
import type { GoldenData, GoldenEntry } from "@kv/testkit";
import { newDirectory } from "./temporary.ts";

/** What `golden/0.1` holds. Every later version must find it (N7). */
export const goldenEntries: readonly GoldenEntry[] = [
  { key: "greeting", value: "hello" },
  { key: "", value: "" },
  { key: "line\nbreak \0 / .. é e\u0301 \u{1f600}", value: "hostile key" },
  { key: "x".repeat(2_000), value: "long key" },
  { key: "bytes", value: Uint8Array.from({ length: 256 }, (_, at) => at) },
  { key: "large", value: "0123456789abcdef".repeat(8_192) },
  { namespace: ["sessions"], key: "ada", value: "logged in" },
  { namespace: ["sessions", "eu:1/é"], key: "ada", value: "nested" },
  { namespace: ["Case"], key: "k", value: "upper" },
  { namespace: ["case"], key: "k", value: "lower" },
  { namespace: [".."], key: "k", value: "dots" },
  { namespace: ["CON"], key: "k", value: "a device on Windows" },
  { namespace: ["é".repeat(127)], key: "k", value: "a name that is hashed" },
];

export const golden: readonly GoldenData[] = [
  {
    version: "0.1",
    open() {
      const directory = newDirectory();
      cpSync(new URL("golden/0.1", import.meta.url), directory.path, { recursive: true });
      chmodSync(directory.path, 0o700); // a checkout has no private files
      const store = fileStore({ directory: directory.path });
      return {
        store,
        async dispose() {
          await store.close();
          directory.remove();
        },
      };
    },
    entries: goldenEntries,
  },
];
