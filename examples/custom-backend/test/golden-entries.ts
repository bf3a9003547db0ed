import type { GoldenEntry } from "@kv/testkit";

/** What `golden/0.1.sql` holds. */
export const goldenEntries: readonly GoldenEntry[] = [
  { key: "greeting", value: "hello" },
  { key: "", value: Uint8Array.of(0, 255) },
  { namespace: ["tenants", "a b/c"], key: "zwölf", value: "" },
];
