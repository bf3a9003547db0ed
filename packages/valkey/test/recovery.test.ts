import { testRecovery } from "@kv/resp-suites/recovery";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

testRecovery({ kind: "valkey", open: valkeyStore, libraries }, [
  { topology: "url", fault: "killed", moment: "before" },
  { topology: "client", library: "iovalkey", fault: "demoted", moment: "while" },
  { topology: "client", library: "iovalkey", fault: "stopped", moment: "after" },
  { topology: "Sentinel", library: "iovalkey", fault: "muted", moment: "before" },
  { topology: "Sentinel, a sentinel too", library: "iovalkey", fault: "stopped", moment: "while" },
  { topology: "Cluster", library: "iovalkey", fault: "killed", moment: "after" },
  { topology: "Cluster", library: "iovalkey", fault: "muted", moment: "while" },
]);
