import type { ContractCase } from "../../contract/contract-case.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectSame, expectValue } from "../../support/expect.ts";
import { callGroups, expiryCallGroup, largeCallGroups, wideCallGroups } from "../shared/all-calls.ts";
import { callsWithKey } from "../shared/calls-by-argument.ts";
import { expectFailure, wasNotDone } from "../shared/failure.ts";
import { lookTwice, toldCalls } from "../shared/told-call.ts";
import { underRule } from "../shared/under-rule.ts";

const allGroups = [...callGroups, ...wideCallGroups, ...largeCallGroups];

/** S7: what could not be carried out rejects, and what is told of a call stays true. */
export const failureCases: readonly ContractCase[] = [
  ...callsWithKey.map(
    ({ by, needs, calls }): ContractCase => ({
      rule: "S7",
      title: `while the backend fails every call rejects${by}, and none passes for done or for a miss`,
      needs: ["fail", ...needs],
      async run({ store, fail }) {
        await store.set("kept", "before");
        await store.set("key", "before");
        const recover = await fail();
        for (const [method, call] of Object.entries(calls)) {
          await expectFailure(() => call(store, "key"), method);
          await expectFailure(() => call(store, "missing"), `${method} of what is not there`);
        }
        await recover();
      },
    }),
  ),
  {
    rule: "S7",
    title: "while the backend fails deleteAll rejects, and nothing is deleted",
    needs: ["fail"],
    async run({ store, fail }) {
      await store.set("key", "before");
      const recover = await fail();
      const error = await expectFailure(() => store.deleteAll(), "deleteAll");
      await recover();
      if (wasNotDone(error))
        expectValue(await store.get("key"), "before", "get after the backend works again");
    },
  },
  {
    rule: "S7",
    title: "while the backend fails listings reject, and do not end as if that were all",
    needs: ["fail", "listing"],
    async run({ store, fail }) {
      await store.set("key", "value");
      const recover = await fail();
      await expectFailure(() => collect(store.keys()), "keys");
      await expectFailure(() => collect(store.keys({ prefix: "k" })), "keys with a prefix");
      await expectFailure(() => collectEntries(store.entries()), "entries");
      await expectFailure(() => collectEntries(store.entries({ prefix: "none" })), "entries with a prefix");
      await expectFailure(() => collect(store.namespaces()), "namespaces");
      await recover();
      expectSame((await collect(store.keys())).join(), "key", "keys after the backend works again");
    },
  },
  {
    rule: "S7",
    title: "after a failure the store works again, and what was rejected as not done is not done later",
    needs: ["fail"],
    async run({ store, fail, clock }) {
      await store.set("set", "before");
      await store.set("deleted", "before");
      const recover = await fail();
      const errors = {
        set: await expectFailure(() => store.set("set", "after"), "set"),
        deleted: await expectFailure(() => store.delete("deleted"), "delete"),
        new: await expectFailure(() => store.set("new", "after"), "set of a new key"),
      };
      await recover();
      for (let look = 0; look < 2; look += 1) {
        if (wasNotDone(errors.set))
          expectValue(await store.get("set"), "before", "get of what could not be set");
        if (wasNotDone(errors.deleted))
          expectValue(await store.get("deleted"), "before", "get of what could not be deleted");
        if (wasNotDone(errors.new))
          expectValue(await store.get("new"), undefined, "get of what could not be added");
        await clock.sleep(100); // what waits in a queue comes late
      }
      await store.set("set", "at last");
      expectValue(await store.get("set"), "at last", "get after the backend works again");
    },
  },
  {
    rule: "S7",
    title: "a take that was rejected as not done leaves the value, for one later take",
    needs: ["fail", "atomic"],
    async run({ store, fail, clock }) {
      await store.set("key", "value");
      const recover = await fail();
      const error = await expectFailure(() => store.take("key"), "take");
      await recover();
      if (!wasNotDone(error)) return;
      await clock.sleep(100); // what waits in a queue comes late
      expectValue(await store.take("key"), "value", "take after the backend works again");
      expectValue(await store.take("key"), undefined, "a second take");
    },
  },
  ...[...callGroups, ...largeCallGroups].map(
    ({ by, needs, calls }): ContractCase => ({
      rule: "S1",
      title: `what is told done${by} is done, now and a while later`,
      needs,
      waits: true,
      async run(context) {
        const { store } = context;
        const told = toldCalls(Object.entries(calls), 3);
        await Promise.all(told.map((each) => each.prepare(store)));
        await Promise.all(told.map((each) => each.make(store)));
        for (const each of told) each.expectDone();
        // It is S7 that forbids a swallowed write; but a store on which nothing has failed has not proven it.
        await underRule("S7", () => lookTwice(told, store, context));
      },
    }),
  ),
  // Where the server removes what has expired by itself, deleteExpired does not ask it.
  ...allGroups
    .filter((group) => group !== expiryCallGroup)
    .map(
      ({ by, needs, calls }): ContractCase => ({
        rule: "S7",
        title: `while the backend fails all calls${by} that are not awaited reject, and what is rejected as not done is not done later`,
        needs: ["fail", ...needs],
        waits: true,
        async run(context) {
          const { store } = context;
          const told = toldCalls(Object.entries(calls), 2);
          await Promise.all(told.map((each) => each.prepare(store)));
          const recover = await context.fail();
          await Promise.all(told.map((each) => each.make(store)));
          await recover();
          for (const each of told) each.expectRejected();
          await lookTwice(told, store, context);
        },
      }),
    ),
];
