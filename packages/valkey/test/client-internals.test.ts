import { createRequire } from "node:module";
import { testClientInternals } from "@kv/resp-suites/client-internals";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

const { version } = createRequire(import.meta.url)("iovalkey/package.json");

await testClientInternals({ kind: "valkey", open: valkeyStore }, [
  { name: "iovalkey", version, library: libraries.iovalkey },
]);
