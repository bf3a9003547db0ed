import type { FullStore } from "@kv/core";
import { yieldToEventLoop } from "@kv/core/driver";
import type { ContractCase, Need } from "../../contract/contract-case.ts";
import type { RuleId } from "../../contract/rules.ts";
import { textOf } from "../../model/key-call.ts";
import { expectTrue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { concurrently } from "../shared/concurrently.ts";
import { forEach } from "../shared/for-each.ts";

/** A step beside a write of somebody else's. The entry holds `1` before, for an hour. */
interface Beside {
  readonly rule: RuleId;
  readonly needs: readonly Need[];
  readonly step: (store: FullStore, key: string) => Promise<unknown>;
  readonly write: (store: FullStore, key: string) => Promise<unknown>;
  /** Tells whether one of the two, after the other, leaves this. */
  readonly isRight: (left: Left) => boolean;
}

interface Left {
  readonly answer: unknown;
  readonly value: string | undefined;
  readonly expiresIn: number | undefined;
}

const setNew: Beside["write"] = (store, key) => store.set(key, "100");
const renew: Beside["write"] = (store, key) => store.touch(key, "5h");
const isNew = ({ value }: Left): boolean => value === "100";
const isRenewed = ({ value, expiresIn }: Left): boolean =>
  value === "2" && expiresIn !== undefined && expiresIn > 4 * 3_600 && Number.isFinite(expiresIn);

const besides: Readonly<Record<string, Beside>> = {
  "set with keepExpiry beside touch": {
    rule: "T2",
    needs: [],
    step: (store, key) => store.set(key, "2", { keepExpiry: true }),
    write: renew,
    isRight: isRenewed,
  },
  "setMany with keepExpiry beside touch": {
    rule: "T2",
    needs: ["batch"],
    step: (store, key) => store.setMany([[key, "2"]], { keepExpiry: true }),
    write: renew,
    isRight: isRenewed,
  },
  "compareAndSet with keepExpiry beside touch": {
    rule: "A3",
    needs: ["atomic"],
    step: (store, key) => store.compareAndSet(key, "1", "2", { keepExpiry: true }),
    write: renew,
    isRight: isRenewed,
  },
  "compareAndSet beside set": {
    rule: "A3",
    needs: ["atomic"],
    step: (store, key) => store.compareAndSet(key, "1", "2"),
    write: setNew,
    isRight: isNew,
  },
  "compareAndDelete beside set": {
    rule: "A3",
    needs: ["atomic"],
    step: (store, key) => store.compareAndDelete(key, "1"),
    write: setNew,
    isRight: isNew,
  },
  "increment beside set": {
    rule: "A1",
    needs: ["atomic"],
    step: (store, key) => store.increment(key),
    write: setNew,
    isRight: ({ value }) => value === "100" || value === "101",
  },
  "increment beside touch": {
    rule: "A1",
    needs: ["atomic"],
    step: (store, key) => store.increment(key),
    write: renew,
    isRight: isRenewed,
  },
  "setIfAbsent beside delete": {
    rule: "A2",
    needs: ["atomic"],
    step: (store, key) => store.setIfAbsent(key, "2"),
    write: (store, key) => store.delete(key),
    isRight: ({ answer, value }) => (answer === true ? value === "2" : value === undefined),
  },
  "take beside set": {
    rule: "A4",
    needs: ["atomic"],
    step: (store, key) => store.take(key),
    write: setNew,
    isRight: ({ answer, value }) =>
      answer instanceof Uint8Array && textOf(answer) === "100" ? value === undefined : value === "100",
  },
};

const rounds = Array.from({ length: 30 }, (_, round) => round);

/** T2, A1 to A4: a step that reads and writes is one step, whatever somebody else writes meanwhile. */
export const besideWritesCases: readonly ContractCase[] = Object.entries(besides).flatMap(
  ([title, { rule, needs, step, write, isRight }]) =>
    concurrently({
      rule,
      title: `${title} leaves what one of the two leaves after the other`,
      needs,
      async run([one, two]) {
        await forEach(rounds, async (round) => one.set(`${round}`, "1", { expiresIn: "1h" }));
        await forEach(rounds, async (round) => {
          const key = `${round}`;
          const [answer] = await Promise.all([step(one, key), writeLater(two, key, write, round % 5)]);
          const [value, expiresIn] = await Promise.all([one.get(key), one.expiresIn(key)]);
          const left: Left = { answer, value: textOf(value), expiresIn };
          expectTrue(isRight(left), `what ${title} leaves, in one order or the other`, inspect(left));
        });
      },
    }),
);

/** Writes some turns later, so that the write falls between the halves of a step that has two. */
async function writeLater(
  store: FullStore,
  key: string,
  write: Beside["write"],
  turns: number,
): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await yieldToEventLoop();
  await write(store, key);
}
