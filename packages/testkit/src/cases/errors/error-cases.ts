import { type FullStore, json, type StandardSchema, type StoreError, typed } from "@kv/core";
import { utf8 } from "@kv/core/driver";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { collectStrings } from "../../support/collect-strings.ts";
import { expectRejects, expectSame, expectTrue, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { ableCalls, expiryCallGroup, wideCallGroups } from "../shared/all-calls.ts";
import { callsWithKey, callsWithValue } from "../shared/calls-by-argument.ts";
import { forEach } from "../shared/for-each.ts";

const secretValue = "s3cret-value-4111111111111111-of-a-customer";
const secretKey = "session:7f3c9a52e1b84d06a1f0c2d3e4b5a697:of-a-customer";

/** E1 and E2: what an error is, and what it must not tell. */
export const errorCases: readonly ContractCase[] = [
  {
    rule: "E1",
    title: "what is no mistake in the call is a StoreError with a code",
    needs: ["atomic"],
    async run({ store }) {
      await store.set("key", "text");
      await expectRejects(() => store.increment("key"), "KV_NOT_AN_INTEGER", "increment of text");
      await store.close();
      const error = await expectRejects(() => store.get("key"), "KV_CLOSED", "get after close");
      expectTrue(
        error instanceof Error && error.name === "StoreError",
        "an Error named StoreError",
        inspect(error),
      );
    },
  },
  {
    rule: "E1",
    title: "what a codec or schema refuses is KV_INVALID_VALUE, names the operation, and carries the issues",
    async run({ store }) {
      const issues = [{ message: "it must be even", path: ["count"] }];
      const schema: StandardSchema<{ count: number }> = {
        "~standard": {
          version: 1,
          vendor: "testkit",
          validate: (value) =>
            (value as { count: number }).count % 2 === 0 ? { value: value as { count: number } } : { issues },
        },
      };
      const view = typed(store, json(schema));
      await store.set("odd", '{"count":1}');
      for (const [method, call] of [
        ["get", () => view.get("odd")],
        ["set", () => view.set("odd", { count: 3 })],
      ] as const) {
        const error = await expectRejects(call, "KV_INVALID_VALUE", `${method} of a typed view`);
        const { message, issues: carried } = error as StoreError;
        expectTrue(
          message.startsWith(`${method} `),
          `a message that begins with ${method}`,
          inspect(message),
        );
        expectSame(carried, issues, "the issues of the error");
      }
      expectValue(await store.get("odd"), '{"count":1}', "get after the refusals");
    },
  },
  {
    rule: "E2",
    title: "the message of a StoreError names the operation",
    async run(context) {
      await context.store.close();
      await expectNamed(context, [
        ...operationsOf(context),
        ...ableCalls(context.harness, [expiryCallGroup]).map(([method, { call }]) => [method, call] as const),
        ["deleteAll", (store) => store.deleteAll()],
      ]);
    },
  },
  {
    rule: "E2",
    title: "the message of an error of the backend names the operation",
    needs: ["fail"],
    async run(context) {
      await context.store.set("kept", "value"); // a backend that was never called may have nothing to fail in
      const recover = await context.fail();
      await expectNamed(context, [...operationsOf(context), ["deleteAll", (store) => store.deleteAll()]]);
      await recover();
    },
  },
  {
    rule: "E2",
    title: "no value and no whole key stands in an error about a mistake in the call",
    async run(context) {
      await expectDiscreet(mistakesOf(context));
    },
  },
  {
    rule: "E2",
    title: "no value and no whole key stands in the error of an increment that cannot be",
    needs: ["atomic"],
    async run(context) {
      const { store } = context;
      await store.set(secretKey, secretValue);
      await expectDiscreet({ increment: () => store.increment(secretKey) });
      await store.set(secretKey, "9007199254740991");
      await expectDiscreet({ "increment beyond the safe integers": () => store.increment(secretKey) });
    },
  },
  {
    rule: "E2",
    title: "no value and no whole key stands in the error of a closed store",
    async run(context) {
      await context.store.close();
      await expectDiscreet(callsOf(context));
    },
  },
  {
    rule: "E2",
    title: "no value and no whole key stands in an error of the backend, nor in its causes",
    needs: ["fail"],
    async run(context) {
      await context.store.set("kept", secretValue);
      const recover = await context.fail();
      await expectDiscreet(callsOf(context));
      await recover();
    },
  },
  {
    rule: "E2",
    title: "the error of a damaged entry names the operation, and no value and no whole key stands in it",
    needs: ["damage"],
    rootOnly: true,
    async run(context) {
      const { store, damage } = context;
      const keyed = operationsOf(context).map(
        ([method, call]) => [method, `${method} of ${secretKey}`, call] as const,
      );
      await forEach(keyed, ([, key]) => store.set(key, secretValue));
      for (const [, key] of keyed) await damage(key);
      const errors = await Promise.all(
        keyed.map(async ([method, key, call]) => {
          const [settled] = await Promise.allSettled([call(store, key)]);
          // An answer may be no lie, and some calls heal (S7).
          if (settled.status === "rejected") {
            expectNoSecrets(settled.reason, `${method} of a damaged entry`);
            expectNames(settled.reason, method);
          }
          return settled.status;
        }),
      );
      expectTrue(errors.includes("rejected"), "damage that some call tells", "answers only");
    },
  },
];

type CallsByMethod = Readonly<Record<string, () => Promise<unknown>>>;

type Operation = readonly [method: string, call: (store: FullStore, key: string) => Promise<unknown>];

/** Every call that takes a key, and every listing, which may take it for a prefix. */
function operationsOf({ harness }: CaseContext): Operation[] {
  return [
    ...ableCalls(harness, callsWithKey),
    ...ableCalls(
      harness,
      // Where the server removes what has expired by itself, deleteExpired does not ask it.
      wideCallGroups.filter((group) => group !== expiryCallGroup),
    ).map(([method, { call }]) => [method, call] as const),
  ];
}

/** Every call with a secret key and every call with a secret value. */
function callsOf(context: CaseContext): CallsByMethod {
  const { store, harness } = context;
  const withValue = ableCalls(harness, callsWithValue);
  return Object.fromEntries([
    ...operationsOf(context).map(
      ([method, call]) => [`${method}, given a key`, () => call(store, secretKey)] as const,
    ),
    ...withValue.map(([method, call]) => [`${method}, given text`, () => call(store, secretValue)] as const),
    ...withValue.map(
      ([method, call]) => [`${method}, given bytes`, () => call(store, utf8(secretValue))] as const,
    ),
  ]);
}

/** Expects that every call fails, with a message that names its method. */
async function expectNamed({ store }: CaseContext, operations: readonly Operation[]): Promise<void> {
  await forEach(operations, async ([method, call]) =>
    expectNames(await expectRejects(() => call(store, "a key"), "a StoreError", method), method),
  );
}

function expectNames(error: unknown, method: string): void {
  const { message } = error as Error;
  const name = method.replace(/ .*/, "");
  expectTrue(
    new RegExp(`\\b${name}\\b`).test(message),
    `a message of ${method} that names ${name}`,
    inspect(message),
  );
}

function mistakesOf({ store }: CaseContext): CallsByMethod {
  return {
    "set of an object": () => store.set(secretKey, { password: secretValue } as unknown as string),
    "set of an array": () => store.set(secretKey, [secretValue] as unknown as string),
    "set of a lone surrogate": () => store.set(secretKey, `${secretValue}\ud800`),
    "set with a lone surrogate as key": () => store.set(`${secretKey}\ud800`, secretValue),
    "set with an unknown option": () => store.set(secretKey, secretValue, { ttl: 5 } as object),
    "set with a wrong duration": () => store.set(secretKey, secretValue, { expiresIn: 0 }),
    "set with value for options": () => store.set(secretKey, secretValue, secretValue as unknown as object),
    "get with an object as key": () => store.get({ key: secretKey } as unknown as string),
    "get with a wrong option": () => store.get(secretKey, { renewFor: -1 }),
    "touch with a wrong duration": () => store.touch(secretKey, -1),
  };
}

async function expectDiscreet(calls: CallsByMethod): Promise<void> {
  await forEach(Object.entries(calls), async ([method, call]) => {
    let error: unknown;
    try {
      await call();
    } catch (rejected) {
      error = rejected;
    }
    if (error === undefined) throw new ExpectationError(`${method}: an error`, "an answer");
    expectNoSecrets(error, method);
  });
}

function expectNoSecrets(error: unknown, method: string): void {
  for (const { where, text } of collectStrings(error)) {
    for (const [what, secret] of [
      ["the value", secretValue],
      ["the whole key", secretKey],
    ] as const) {
      if (text.includes(secret))
        throw new ExpectationError(
          `${method}: an error without ${what}`,
          `${what}, in ${where} of the error`,
        );
    }
  }
}
