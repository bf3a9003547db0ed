import { json, type StandardSchema, type StoreError, typed } from "@kv/core";
import { utf8 } from "@kv/core/driver";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { collectStrings } from "../../support/collect-strings.ts";
import { expectRejects, expectSame, expectTrue, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { callsWithKey, callsWithValue } from "../shared/calls-by-argument.ts";

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
    async run({ store }) {
      await store.close();
      for (const method of ["get", "delete", "exists", "expiresIn"] as const) {
        const error = await expectRejects(() => store[method]("key"), "KV_CLOSED", `${method} after close`);
        const { message } = error as Error;
        expectTrue(message.includes(method), `a message that names ${method}`, inspect(message));
      }
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
    title: "no value and no whole key stands in the error of a damaged entry",
    needs: ["damage"],
    rootOnly: true,
    async run(context) {
      await context.store.set(secretKey, secretValue);
      await context.damage(secretKey);
      await expectDiscreet({ get: () => context.store.get(secretKey) });
    },
  },
];

type CallsByMethod = Readonly<Record<string, () => Promise<unknown>>>;

/** Every call with a secret key and every call with a secret value. */
function callsOf({ store, harness }: CaseContext): CallsByMethod {
  const able = (needs: readonly string[]): boolean =>
    needs.every((need) => (harness.capabilities as readonly string[]).includes(need));
  const withKey = callsWithKey
    .filter(({ needs }) => able(needs))
    .flatMap(({ calls }) => Object.entries(calls));
  const withValue = callsWithValue
    .filter(({ needs }) => able(needs))
    .flatMap(({ calls }) => Object.entries(calls));
  return Object.fromEntries([
    ...withKey.map(([method, call]) => [`${method}, given a key`, () => call(store, secretKey)] as const),
    ...withValue.map(([method, call]) => [`${method}, given text`, () => call(store, secretValue)] as const),
    ...withValue.map(
      ([method, call]) => [`${method}, given bytes`, () => call(store, utf8(secretValue))] as const,
    ),
  ]);
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
  for (const [method, call] of Object.entries(calls)) {
    let error: unknown;
    try {
      await call();
    } catch (rejected) {
      error = rejected;
    }
    if (error === undefined) throw new ExpectationError(`${method}: an error`, "an answer");
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
}
