import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import type { Capability } from "../../contract/harness.ts";

const everyStore = ["get", "set", "touch", "delete", "deleteAll", "exists", "expiresIn", "close"];

const methodsOf: Readonly<Record<Capability, readonly string[]>> = {
  namespaces: ["withNamespace"],
  batch: ["getMany", "setMany", "deleteMany"],
  atomic: ["increment", "setIfAbsent", "compareAndSet", "compareAndDelete", "take"],
  listing: ["keys", "entries", "namespaces"],
  expiry: ["deleteExpired"],
};

/** What a store can do is what its methods say, and what its harness declares. */
export const capabilityCases: readonly ContractCase[] = [
  {
    rule: "capabilities",
    title: "every store has the methods of Store",
    async run({ store }) {
      for (const method of everyStore) expectMethod(store, method, "since every store has it");
      if (typeof store[Symbol.asyncDispose] !== "function") {
        throw new ExpectationError("the method [Symbol.asyncDispose], since every store has it", "none");
      }
    },
  },
  ...Object.entries(methodsOf).map(
    ([capability, methods]): ContractCase => ({
      rule: "capabilities",
      title: `the methods of ${capability} are there if it is declared, and only then`,
      async run({ store, harness }) {
        const declared = harness.capabilities.includes(capability as Capability);
        for (const method of methods) {
          if (declared) expectMethod(store, method, `since the harness declares ${capability}`);
          else if (method in store) {
            throw new ExpectationError(
              `no method ${method}, since the harness does not declare ${capability}`,
              "one",
            );
          }
        }
      },
    }),
  ),
];

function expectMethod(store: FullStore, method: string, why: string): void {
  const type = typeof Reflect.get(store, method);
  if (type !== "function") throw new ExpectationError(`the method ${method}, ${why}`, type);
}
