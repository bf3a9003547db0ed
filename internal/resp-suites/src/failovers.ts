import { type Duration, type FullStore, isStoreError } from "@kv/core";
import { startCluster, startSentinel, until } from "@kv/test-servers";
import { soak } from "@kv/test-support";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ClientLibrary, makeClient, type Target } from "./clients.ts";
import { type RespBackend } from "./contract.ts";

const patienceMs = 120_000;
const calls = 8;

/** Tests calls under load when the server that holds the data is lost. */
export function testFailovers(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  library: ClientLibrary,
  /** The part of the ordinary test run; `KV_SOAK=1` runs both. */
  sample: "sentinel" | "cluster",
): void {
  function storeFor(target: Target, timeout: Duration = "1s"): FullStore {
    const store = open({ client: makeClient(library, target), closeClient: true, timeout });
    onTestFinished(() => store.close());
    return store;
  }

  if (soak || sample === "sentinel")
    describe(`${kind}: a lost primary under Sentinel`, () => {
      test("S7 through Sentinel errors are bounded, and what is acknowledged after the failover is there", {
        timeout: 300_000,
      }, async ({ annotate }) => {
        const group = await startSentinel({ kind });
        onTestFinished(() => group.stop());
        const ports = group.sentinels.map(({ port }) => port);
        const store = storeFor({ topology: "sentinel", ports, name: group.name });
        const load = startLoad(store);
        await load.untilDone(200);
        const lost = await group.primary();
        await lost.kill();
        await group.untilFailedOver(lost);
        await load.untilDone(200);
        await load.end();
        await annotate(await load.expectBoundedAndKept());
      });
    });

  if (soak || sample === "cluster")
    describe(`${kind}: a lost master of a cluster`, () => {
      test("S7 in a cluster errors are bounded, the other masters go on, and the lost one is replaced", {
        timeout: 300_000,
      }, async ({ annotate }) => {
        const cluster = await startCluster({ kind });
        onTestFinished(() => cluster.stop());
        const ports = cluster.nodes.map(({ port }) => port);
        const store = storeFor({ topology: "cluster", ports });
        const load = startLoad(store);
        await load.untilDone(200);
        const lost = await cluster.masterOf("KV:counter 0");
        await lost.kill();
        await cluster.untilFailedOver(lost);
        await load.untilDone(200);
        await load.end();
        await annotate(await load.expectBoundedAndKept());
        await store.deleteAll();
        expect(await store.exists("counter 0")).toBe(false);
      });

      test.each([
        ["is gone", "kill", "1s"],
        ["is silent", "pause", "500ms"],
      ] as const)(
        "S7 a key whose master %s is served by the one that took over, though no other call is made",
        { timeout: 300_000 },
        async (_, lose, timeout) => {
          const cluster = await startCluster({ kind });
          onTestFinished(() => cluster.stop());
          const store = storeFor(
            { topology: "cluster", ports: cluster.nodes.map(({ port }) => port) },
            timeout,
          );
          expect((await store.increment("counter")).value).toBe(1);
          const lost = await cluster.masterOf("KV:counter");
          await lost[lose]();
          await cluster.untilFailedOver(lost);
          await until(
            "its increments go on",
            patienceMs,
            async () => (await store.increment("counter")).value,
          );
        },
      );

      test("N5 deleteAll that cannot reach a part of the cluster says which, and a repeat finishes it", {
        timeout: 300_000,
      }, async () => {
        const cluster = await startCluster({ kind });
        onTestFinished(() => cluster.stop());
        const store = storeFor({ topology: "cluster", ports: cluster.nodes.map(({ port }) => port) });
        await store.setMany(Array.from({ length: 300 }, (_, at) => [`${at}`, "x"] as const));
        const lost = await cluster.masterOf("KV:0");
        await lost.pause();
        const error = await store.deleteAll().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(isStoreError(error)).toBe(true);
        expect(String(error)).toContain(`on the node at 127.0.0.1:${lost.port}`);
        lost.resume();
        await until("all is deleted", patienceMs, () => store.deleteAll().then(() => true));
        const left = await Promise.all(cluster.nodes.map((node) => node.command("DBSIZE")));
        expect(left.map(Number).reduce((sum, each) => sum + each, 0)).toBe(0);
      });
    });
}

interface Load {
  /** Waits until this many more increments of each counter were acknowledged. */
  untilDone(count: number): Promise<void>;
  end(): Promise<void>;
  /** Says what was acknowledged, and what was there. */
  expectBoundedAndKept(): Promise<string>;
}

interface Counter {
  readonly key: string;
  done: number;
  unknown: number;
  /** The value of the last acknowledgement. */
  last: number;
  lastError: unknown;
  /** When its present call began. */
  sinceMs: number;
}

/** Counters that are incremented without a pause. Each knows what was acknowledged, and what may have been done. */
function startLoad(store: FullStore): Load {
  const counters = Array.from(
    { length: calls },
    (_, at): Counter => ({
      key: `counter ${at}`,
      done: 0,
      unknown: 0,
      last: 0,
      lastError: undefined,
      sinceMs: 0,
    }),
  );
  const unexpected: unknown[] = [];
  let longestMs = 0;
  const load = { going: true };
  const workers = counters.map(async (counter) => {
    while (load.going) {
      counter.sinceMs = performance.now();
      try {
        const { value } = await store.increment(counter.key);
        counter.done += 1;
        counter.last = value;
      } catch (error) {
        counter.lastError = error;
        if (isStoreError(error, "KV_OUTCOME_UNKNOWN")) counter.unknown += 1;
        else if (!isStoreError(error, "KV_UNAVAILABLE") && !isStoreError(error, "KV_READ_ONLY"))
          unexpected.push(error);
        await new Promise((resolve) => setTimeout(resolve, 5)); // as a caller would, before it tries again
      }
      longestMs = Math.max(longestMs, performance.now() - counter.sinceMs);
    }
  });

  return {
    async untilDone(count) {
      const goals = new Map(counters.map((counter) => [counter, counter.done + count]));
      await until("every counter goes on", patienceMs, () => {
        const behind = counters.filter((counter) => counter.done < (goals.get(counter) ?? 0));
        if (behind.length === 0) return true;
        throw new Error(behind.map(describeCounter).join("\n"), { cause: behind[0]?.lastError });
      });
    },
    async end() {
      load.going = false;
      await Promise.all(workers);
    },
    async expectBoundedAndKept() {
      expect(unexpected).toEqual([]);
      expect(longestMs).toBeLessThan(30_000);
      const sum = { there: 0, acknowledged: 0, unknown: 0 };
      for (const { key, done, unknown, last } of counters) {
        const value = Number(new TextDecoder().decode(await store.get(key)));
        expect(value).toBe(last); // what the last acknowledgement said is there
        // Never more than was asked for. It may be less: replication lags behind what a lost master acknowledged.
        expect(value).toBeLessThanOrEqual(done + unknown);
        sum.there += value;
        sum.acknowledged += done;
        sum.unknown += unknown;
      }
      return `${sum.acknowledged} acknowledged, ${sum.unknown} of unknown outcome, ${sum.there} there; the longest call took ${Math.round(longestMs)} ms`;
    },
  };
}

function describeCounter({ key, done, unknown, lastError, sinceMs }: Counter): string {
  const age = Math.round(performance.now() - sinceMs);
  return `${key}: ${done} done, ${unknown} unknown, its call began ${age} ms ago; its last error: ${String(lastError)}`;
}
