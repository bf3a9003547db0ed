import { writeSync } from "node:fs";
import type { Store } from "@kv/core";
import { type Harness, runCases } from "@kv/testkit";
import { referenceDriverHarness } from "./reference-harness.ts";

// Runs the kit on a store that is broken in every call, and prints what came of it: told by its first argument.

type Answer = (real: () => unknown, call: number) => unknown;

const breaks: Readonly<Record<string, Answer>> = {
  "rejects every call": () => Promise.reject(new Error("no")),
  "rejects every third call": (real, call) => (call % 3 === 0 ? Promise.reject(new Error("no")) : real()),
  "throws synchronously": () => {
    throw new Error("no");
  },
  "resolves with nothing": () => Promise.resolve(undefined),
  "resolves with rubbish": () => Promise.resolve({ rubbish: true, [Symbol.iterator]: 5 }),
  "gives no promise": () => 5,
  hangs: () => new Promise(() => {}),
  "rejects once more in the background": (real) => {
    void Promise.reject(new Error("in the background"));
    return real();
  },
  "throws in a timer": (real) => {
    setTimeout(() => {
      throw new Error("in a timer");
    }, 1);
    return real();
  },
};

function broken(store: Store, answer: Answer): Store {
  let calls = 0;
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const real = (): unknown => Reflect.apply(member, target, args);
        if (name === "withNamespace") return broken(real() as Store, answer);
        if (name === "close" || name === Symbol.asyncDispose) return real();
        calls += 1;
        return answer(real, calls);
      };
    },
  });
}

let unhandled = 0;
process.on("unhandledRejection", () => {
  unhandled += 1;
});

const answer = breaks[process.argv[2] ?? ""];
if (answer === undefined) throw new Error(`No store ${process.argv[2]}.`);
const harness: Harness = {
  ...referenceDriverHarness,
  async open() {
    const opened = await referenceDriverHarness.open();
    return {
      ...opened,
      store: broken(opened.store, answer),
      openAgain: async () => broken((await opened.openAgain?.()) as Store, answer),
    };
  },
};
const results = await runCases(harness, {
  limitMs: 200,
  runs: 3,
  seed: 1,
  filter: ({ place }) => place === "in a namespace",
});
writeSync(
  1,
  JSON.stringify({
    unhandled,
    cases: results.length,
    failed: results.filter(({ outcome }) => outcome === "failed").length,
    hung: results.filter((result) => result.outcome === "failed" && result.error.hung).length,
    notTried: results.filter((result) => result.outcome === "unproven" && /hung before/.test(result.because))
      .length,
    background: results.flatMap((result) =>
      result.outcome === "failed" && result.error.message.includes("would have ended the process")
        ? [result.error.message]
        : [],
    ),
  }),
);
process.exit(); // whatever the store still has in mind
