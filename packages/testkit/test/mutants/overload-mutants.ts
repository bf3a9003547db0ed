import { setTimeout as delay } from "node:timers/promises";
import { StoreError } from "@kv/core";
import { type FullDriverNamespace, inBackground } from "@kv/core/driver";
import type { ReferenceData } from "../reference-driver.ts";
import { brokenDriver, type Mutant } from "./mutant.ts";

type Method = keyof FullDriverNamespace;
type Work = () => unknown;

/** What becomes of a call that has waited for too long. */
export type Fate = "rejected, and let go" | "rejected, and done later" | "let go, and told to be done";

export const standing = "while the event loop stands still";
export const noTime = "where there is no time for all calls";

/** The methods that change something, by the middle of the title of their case. */
export const changing: Readonly<Record<string, readonly Method[]>> = {
  "": ["set", "touch", "delete", "getAndRenew"],
  " by deleteAll of a namespace": ["deleteAll"],
  " by batches": ["setMany", "deleteMany"],
  " by atomic steps": ["increment", "setIfAbsent", "compareAndSet", "compareAndDelete", "take"],
};

export const overloadMutants: readonly Mutant[] = [
  ...Object.entries(changing).flatMap(([by, methods]) => [
    ...methods.map((method) => queueing([method], "rejected, and done later", standing, by)),
    queueing(methods, "rejected, and done later", noTime, by),
  ]),
  queueing(["set"], "let go, and told to be done", noTime),
  brokenDriver(
    "S7",
    "a batch does one key, is rejected as not done, and does the rest later",
    `${noTime} what is rejected as not done by batches is not done later`,
    ({ namespace, timeoutMs }) => ({
      async setMany(entries, expiry) {
        const [first, ...rest] = entries;
        await namespace.setMany(new Map(first === undefined ? [] : [first]), expiry);
        inBackground(async () => {
          await delay(2 * timeoutMs);
          await namespace.setMany(new Map(rest), expiry);
        });
        throw new StoreError("KV_TIMEOUT", "the batch took too long.");
      },
    }),
  ),
];

/** The reference driver, of which some methods wait in a queue for a slow backend. */
export function queueing(methods: readonly Method[], fate: Fate, when: string, by: string = ""): Mutant {
  return brokenDriver(
    "S7",
    `${methods.join(", ")} that waits for too long is ${fate}`,
    `${when} what is rejected as not done${by} is not done later`,
    ({ namespace, data, timeoutMs }) => {
      const whole = {
        ...namespace,
        async take(key: string) {
          const found = await namespace.get(key);
          await namespace.delete(key);
          return found;
        },
      };
      return Object.fromEntries(
        methods.map((method) => {
          const call = whole[method] as (...args: readonly unknown[]) => unknown;
          const queued = (...args: readonly unknown[]): Promise<unknown> =>
            queueOf(data).run(() => call(...args), timeoutMs, fate);
          return [method, queued];
        }),
      );
    },
  );
}

const queues = new WeakMap<ReferenceData, SlowQueue>();

function queueOf(data: ReferenceData): SlowQueue {
  const queue = queues.get(data) ?? new SlowQueue();
  queues.set(data, queue);
  return queue;
}

/** Does a few things each turn of the event loop. */
class SlowQueue {
  readonly #waiting: Work[] = [];
  #serving = false;

  run(work: Work, timeoutMs: number, fate: Fate): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        if (fate === "let go, and told to be done") resolve(undefined);
        else reject(new StoreError("KV_TIMEOUT", "it waited for too long."));
      }, timeoutMs);
      this.#waiting.push(() => {
        if (late && fate !== "rejected, and done later") return;
        clearTimeout(timer);
        resolve(work());
      });
      this.#serve();
    });
  }

  #serve(): void {
    if (this.#serving || this.#waiting.length === 0) return;
    this.#serving = true;
    setTimeout(() => {
      this.#serving = false;
      for (const work of this.#waiting.splice(0, 20)) work();
      this.#serve();
    }, 1);
  }
}
