import { redisStore } from "@kv/redis";
import { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { type Comparison, compareSubjects, type Pace } from "../comparison.ts";
import { type Goal, outcomeOf } from "../goals.ts";
import { cases } from "../operations.ts";
import { pinServer } from "../pinning.ts";
import { type Subjects, serveSubject } from "../subject-process.ts";
import { bareClient } from "../subjects/bare-client.ts";
import { ours } from "../subjects/ours.ts";
import { rateLimiterFlexible } from "../subjects/peers.ts";
import { testServers } from "../test-servers.ts";

const subjects: Subjects = {
  ioredis: (url) => bareClient(new Redis(url), "bare:"),
  "@kv/redis": (url) => ours(redisStore({ url })),
  "rate-limiter-flexible": (url) =>
    rateLimiterFlexible(new RateLimiterRedis({ storeClient: new Redis(url), points: 1e9, duration: 60 })),
};

const measured = cases(["rate limit check"], ["100 B"], [1, 64, 256]);

const goal: Goal = {
  operation: "rate limit check",
  size: "100 B",
  concurrency: 64,
  others: ["rate-limiter-flexible"],
  least: 1.3,
};

serveSubject(subjects);

/** Counting against a limit, exactly and across processes. In memory it is measured with the rest of memory. */
export async function rateLimit(pace: Pace): Promise<Comparison> {
  const { startStandalone, serverBinaries } = await testServers();
  await using server = await startStandalone({ kind: "redis" });
  await pinServer(server);
  const { version } = await serverBinaries("redis");
  const lines = await compareSubjects(
    {
      module: new URL(import.meta.url),
      names: Object.keys(subjects),
      target: server.url,
      cases: measured,
    },
    pace,
  );
  return {
    title: "Rate limit",
    base: "ioredis",
    ours: "@kv/redis",
    notes: [
      `Server: redis ${version}. A thousand users, a window of a minute, a limit that nobody reaches. \`ioredis\` is one script (EVALSHA) a check, ours \`increment(key, { expiresIn: "1m" })\`.`,
    ],
    lines,
    pictured: [["rate limit check", "100 B", 64]],
    limits: [],
    outcomes: [outcomeOf(goal, "@kv/redis", lines)],
  };
}
