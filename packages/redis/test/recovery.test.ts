import { redisStore } from "@kv/redis";
import { testRecovery } from "@kv/resp-suites/recovery";
import { libraries } from "./libraries.ts";

testRecovery({ kind: "redis", open: redisStore, libraries }, [
  { topology: "url", fault: "stopped", moment: "after" },
  { topology: "url", fault: "demoted", moment: "after" },
  { topology: "client", library: "ioredis 5", fault: "muted", moment: "while" },
  { topology: "client", library: "ioredis 6", fault: "forgotten", moment: "before" },
  { topology: "client", library: "ioredis 6", fault: "forgotten", moment: "while" },
  { topology: "client", library: "ioredis 6", fault: "muted", moment: "after" },
  { topology: "Sentinel", library: "ioredis 5", fault: "killed", moment: "after" },
  { topology: "Sentinel", library: "ioredis 6", fault: "stopped", moment: "after" },
  { topology: "Sentinel", library: "ioredis 6", fault: "demoted", moment: "after" },
  { topology: "Cluster", library: "ioredis 6", fault: "forgotten", moment: "after" },
  { topology: "Cluster", library: "ioredis 5", fault: "stopped", moment: "after" },
]);
