import { type FullStore, isStoreError, type StoreErrorCode } from "@kv/core";
import { until } from "@kv/test-servers";

/** Callers that do not stop while servers fail. What they find wrong is kept, to be told at the end. */
export interface Load extends AsyncDisposable {
  /** Makes the first calls. */
  begin(): void;
  /** Waits until every worker has gone through `count` rounds that it begins from now on. */
  untilRounds(count: number): Promise<void>;
  /** Waits until every worker has succeeded with each call, which must be in time after `sinceMs`. */
  untilRecovered(sinceMs: number): Promise<void>;
  /** How many calls have failed so far. */
  readonly failures: number;
  /** From now on no call may fail. */
  expectNoFailure(): void;
  /** Makes no more calls, and waits for those in flight. May be called twice. */
  end(): Promise<void>;
  /** Compares what is there with what was told; `mayLose`: before it recovered, something may be lost. */
  compare(healthy: FullStore, mayLose: boolean): Promise<void>;
  /** The problems, in words; empty where there were none. */
  readonly problems: readonly string[];
  /** Tells what happened, in a sentence. */
  summary(): string;
}

export interface LoadPlan {
  readonly store: FullStore;
  readonly timeoutMs: number;
  /** A key that is there already, and its text. The keys of every other worker begin with it: a cluster knows hash tags. */
  readonly seed: { readonly key: string; readonly text: string };
  /** A write may be refused since the server is a replica. */
  readonly mayBeReadOnly: boolean;
}

const workerCount = 6;
/** For a timer that is late, and the turn of a call among others. */
const slackMs = 1_000;
const recoveryMs = 5_000;
/** Long beyond need: what a test waits for comes sooner, or never. */
const patienceMs = 120_000;
const names = ["get", "set", "increment"] as const;
type Name = (typeof names)[number];
type Verdict = "acknowledged" | "unknown" | "not done";

interface Worker {
  readonly id: number;
  /** The prefix of its keys. */
  readonly prefix: string;
  rounds: number;
  /** The call that it waits for now. */
  pending: { readonly name: Name; readonly sinceMs: number; readonly stillMs: number } | undefined;
  readonly succeededMs: Map<Name, number[]>;
  lastError: unknown;
  /** The keys that it set, and when it was told. */
  readonly keys: Map<string, { readonly outcome: Verdict; readonly atMs: number }>;
  acknowledged: number;
  unknown: number;
  /** The value of the last increment. */
  value: number;
}

/** Makes a load that has not begun. */
export function makeLoad({ store, timeoutMs, seed, mayBeReadOnly }: LoadPlan): Load {
  const standstill = measureStandstill();
  const workers = Array.from({ length: workerCount }, (_, id) => newWorker(id, id % 2 === 0 ? seed.key : ""));
  const problems = new Set<string>();
  const counts = { done: 0, failed: 0 };
  let longestMs = 0;
  let recovered: { readonly atMs: number; readonly afterMs: number } | undefined;
  const state = { going: true, mayFail: true, settled: true };
  let running: Promise<unknown> = Promise.resolve();

  /** Makes a call, and says what became of it. */
  async function record(worker: Worker, name: Name, call: () => Promise<void>): Promise<Verdict> {
    const pending = { name, sinceMs: performance.now(), stillMs: standstill.totalMs() };
    worker.pending = pending;
    const outcome = await call().then(
      () => "acknowledged" as const,
      (error: unknown) => {
        worker.lastError = error;
        return judge(name, error);
      },
    );
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - pending.sinceMs);
    lookForLate(worker);
    worker.pending = undefined;
    if (outcome === "acknowledged") {
      counts.done += 1;
      worker.succeededMs.get(name)?.push(nowMs);
    } else {
      counts.failed += 1;
      if (!state.mayFail)
        problems.add(`After it had recovered ${name} was rejected: ${told(worker.lastError)}`);
      await new Promise((resolve) => setTimeout(resolve, 5)); // as a caller would, before it tries again
    }
    return outcome;
  }

  function judge(name: Name, error: unknown): Verdict {
    const allowed: StoreErrorCode[] = ["KV_UNAVAILABLE"];
    if (name !== "get") allowed.push("KV_OUTCOME_UNKNOWN");
    if (name !== "get" && mayBeReadOnly) allowed.push("KV_READ_ONLY");
    const code = isStoreError(error) ? error.code : undefined;
    if (code === undefined || !allowed.includes(code)) problems.add(`${name} was rejected: ${told(error)}`);
    return code === "KV_OUTCOME_UNKNOWN" ? "unknown" : "not done";
  }

  function lookForLate({ pending }: Worker): void {
    if (pending === undefined) return;
    const stillMs = standstill.totalMs() - pending.stillMs;
    if (performance.now() - pending.sinceMs <= timeoutMs + slackMs + stillMs) return;
    problems.add(`${pending.name} was not settled within timeout and a second, standstill apart`);
  }

  const calls: Readonly<Record<Name, (worker: Worker) => Promise<void>>> = {
    async get(worker) {
      await record(worker, "get", async () => {
        const bytes = await store.get(seed.key);
        const text = bytes === undefined ? undefined : new TextDecoder().decode(bytes);
        if (text !== seed.text) problems.add(`get resolved with ${text} in place of ${seed.text}`);
      });
    },
    async set(worker) {
      const key = `${worker.prefix}${worker.id}.${worker.keys.size}`;
      const outcome = await record(worker, "set", () => store.set(key, key));
      worker.keys.set(key, { outcome, atMs: performance.now() });
    },
    async increment(worker) {
      const outcome = await record(worker, "increment", async () => {
        worker.value = (await store.increment(counterOf(worker))).value;
      });
      if (outcome === "acknowledged") worker.acknowledged += 1;
      if (outcome === "unknown") worker.unknown += 1;
    },
  };

  async function work(worker: Worker): Promise<void> {
    // Workers are answered together, and so would all make the same call at a time.
    const first = worker.id % names.length;
    const order = [...names.slice(first), ...names.slice(0, first)];
    while (state.going) {
      for (const name of order) await calls[name](worker);
      worker.rounds += 1;
    }
  }

  async function compareKeys(healthy: FullStore, { keys }: Worker, keptSinceMs: number): Promise<void> {
    const found = await healthy.getMany(keys.keys());
    Array.from(keys).forEach(([key, { outcome, atMs }], at) => {
      const bytes = found[at];
      const text = bytes === undefined ? undefined : new TextDecoder().decode(bytes);
      if (text !== undefined && text !== key) problems.add(`A key of set holds ${text} in place of ${key}`);
      if (text !== undefined && outcome === "not done") problems.add("A set that was not done was done");
      if (text === undefined && outcome === "acknowledged" && atMs >= keptSinceMs)
        problems.add("A set that was acknowledged is lost");
    });
  }

  async function compareCounter(healthy: FullStore, worker: Worker, mayLose: boolean): Promise<void> {
    const { acknowledged, unknown, value } = worker;
    const bytes = await healthy.get(counterOf(worker));
    const there = bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes));
    if (there > acknowledged + unknown)
      problems.add(`A counter holds ${there}, of ${acknowledged} acknowledged and ${unknown} unknown`);
    if (there < (mayLose ? value : acknowledged))
      problems.add(`A counter holds ${there}, of ${acknowledged} acknowledged, the last one with ${value}`);
  }

  async function end(): Promise<void> {
    if (!state.going) return;
    state.going = false;
    await until("every call is settled", patienceMs, () => (state.settled ? true : undefined)).catch(() => {
      problems.add("A call is never settled");
    });
    for (const worker of workers) lookForLate(worker);
    standstill.end();
    if (state.settled) await running;
  }

  return {
    begin() {
      state.settled = false;
      running = Promise.all(workers.map(work)).finally(() => {
        state.settled = true;
      });
    },
    async untilRounds(count) {
      const goals = new Map(workers.map((worker) => [worker, worker.rounds + count + 1]));
      await until(`every worker goes through ${count} rounds`, patienceMs, () => {
        for (const worker of workers) lookForLate(worker);
        const behind = workers.filter((worker) => worker.rounds < (goals.get(worker) ?? 0));
        return behind.length === 0 ? true : undefined;
      });
    },
    async untilRecovered(sinceMs) {
      const stillMs = standstill.totalMs();
      const allowedMs = (): number => timeoutMs + recoveryMs + 3 * (standstill.totalMs() - stillMs);
      const missing = (): string[] =>
        workers.flatMap(({ succeededMs, lastError }) =>
          names
            .filter((name) => !succeededMs.get(name)?.some((atMs) => atMs >= sinceMs))
            .map((name) => `No ${name} succeeds again in time. The last error: ${told(lastError)}`),
        );
      while (missing().length > 0 && performance.now() <= sinceMs + allowedMs())
        await new Promise((resolve) => setTimeout(resolve, 20));
      for (const worker of workers) lookForLate(worker);
      for (const problem of missing()) problems.add(problem);
      const nowMs = performance.now();
      if (missing().length === 0) recovered = { atMs: nowMs, afterMs: nowMs - sinceMs };
    },
    get failures() {
      return counts.failed;
    },
    expectNoFailure() {
      state.mayFail = false;
    },
    end,
    async compare(healthy, mayLose) {
      const keptSinceMs = mayLose ? (recovered?.atMs ?? Number.POSITIVE_INFINITY) : 0;
      for (const worker of workers) {
        await compareKeys(healthy, worker, keptSinceMs);
        await compareCounter(healthy, worker, mayLose);
      }
    },
    get problems() {
      return Array.from(problems);
    },
    summary() {
      const recovery = recovered === undefined ? "never" : `after ${Math.round(recovered.afterMs)} ms`;
      return `${counts.done} done, ${counts.failed} failed, recovered ${recovery}, the longest call ${Math.round(longestMs)} ms, standstill ${Math.round(standstill.totalMs())} ms`;
    },
    [Symbol.asyncDispose]: end,
  };
}

function newWorker(id: number, prefix: string): Worker {
  return {
    id,
    prefix,
    rounds: 0,
    pending: undefined,
    succeededMs: new Map(names.map((name) => [name, []])),
    lastError: undefined,
    keys: new Map(),
    acknowledged: 0,
    unknown: 0,
    value: 0,
  };
}

function counterOf({ id, prefix }: Worker): string {
  return `${prefix}counter ${id}`;
}

function told(error: unknown): string {
  return isStoreError(error) ? `${error.code}, ${String(error.cause)}` : String(error);
}

export interface Standstill {
  /** For how long the event loop has stood still so far, in all. */
  totalMs(): number;
  end(): void;
}

/** Measures by how much the beats of a timer are late. */
export function measureStandstill(): Standstill {
  const beatMs = 20;
  let totalMs = 0;
  let lastMs = performance.now();
  const lateMs = (): number => Math.max(0, performance.now() - lastMs - beatMs);
  const timer = setInterval(() => {
    totalMs += lateMs();
    lastMs = performance.now();
  }, beatMs);
  return { totalMs: () => totalMs + lateMs(), end: () => clearInterval(timer) };
}
