import { type FullStore, isStoreError, type Store, StoreRegistry } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { expectRejects, expectSame, expectThrows, expectTrue, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";

/** R1 to R3: such stores in a registry. */
export const registryCases: readonly ContractCase[] = [
  {
    rule: "R1",
    title: "get of a registered name is that store, the same object every time",
    rootOnly: true,
    async run({ store, separateStore }) {
      const other = await separateStore();
      const registry = new StoreRegistry({ stores: { one: store } });
      registry.register("other", other);
      for (let time = 0; time < 2; time += 1) {
        expectTrue(registry.get("one") === store, "the registered store", "another");
        expectTrue(registry.get("other") === other, "the store that was registered later", "another");
      }
      await registry.get("one").set("key", "value");
      expectValue(await store.get("key"), "value", "get");
      expectSame(await other.exists("key"), false, "exists in the other store");
    },
  },
  {
    rule: "R1",
    title: "get of an unknown name calls defaultFactory once and keeps what it gives",
    rootOnly: true,
    async run({ store }) {
      const asked: string[] = [];
      const registry = new StoreRegistry({
        defaultFactory(name) {
          asked.push(name);
          return store;
        },
      });
      expectTrue(
        registry.get("new") === store && registry.get("new") === store,
        "the store of defaultFactory",
        "another",
      );
      expectSame(asked.join(), "new", "the names that defaultFactory was asked for");
    },
  },
  {
    rule: "R1",
    title:
      "with root, get of an unknown name is a namespace of root of that name, the same object every time",
    needs: ["namespaces"],
    rootOnly: true,
    async run({ store }) {
      const registry = new StoreRegistry<FullStore>({ root: store });
      const sessions = registry.get("sessions");
      expectTrue(registry.get("sessions") === sessions, "the same object", "another");
      await sessions.set("key", "value");
      expectValue(await store.withNamespace("sessions").get("key"), "value", "get in the namespace");
      expectSame(await store.exists("key"), false, "exists in root");
      expectSame(await registry.get("rate_limit").exists("key"), false, "exists in another namespace");
    },
  },
  {
    rule: "R1",
    title: "with neither it throws KV_UNKNOWN_STORE, naming what is registered",
    rootOnly: true,
    async run({ store }) {
      const registry = new StoreRegistry({ stores: { sessions: store } });
      const error = await expectThrows(
        () => registry.get("session"),
        "KV_UNKNOWN_STORE",
        "get of an unknown name",
      );
      const { message } = error as Error;
      expectTrue(message.includes("sessions"), "a message that names what is registered", inspect(message));
    },
  },
  {
    rule: "R2",
    title: "register of a taken name throws, unless allowOverride",
    rootOnly: true,
    async run({ store, separateStore }) {
      const other = await separateStore();
      const registry = new StoreRegistry({ stores: { one: store } });
      await expectThrows(
        () => registry.register("one", other),
        "KV_STORE_EXISTS",
        "register of a taken name",
      );
      expectTrue(registry.get("one") === store, "the first store, after the refusal", "another");
      registry.register("one", other, { allowOverride: true });
      expectTrue(registry.get("one") === other, "the second store, after allowOverride", "another");
      await store.set("key", "value"); // what was replaced stays open
    },
  },
  {
    rule: "R3",
    title: "closing the registry closes each store, and get then throws KV_CLOSED",
    rootOnly: true,
    async run({ store, separateStore }) {
      const other = await separateStore();
      const registry = new StoreRegistry({ stores: { one: store, again: store, other } });
      await registry.close();
      await registry.close();
      for (const each of [store, other])
        await expectRejects(() => each.get("key"), "KV_CLOSED", "get after close");
      await expectThrows(() => registry.get("one"), "KV_CLOSED", "get of the registry after close");
    },
  },
  {
    rule: "R3",
    title: "closing the registry closes root and its namespaces",
    needs: ["namespaces"],
    rootOnly: true,
    async run({ store }) {
      const registry = new StoreRegistry<FullStore>({ root: store });
      const sessions = registry.get("sessions");
      await sessions.set("key", "value");
      await registry.close();
      for (const each of [sessions, store])
        await expectRejects(() => each.get("key"), "KV_CLOSED", "get after close");
    },
  },
  {
    rule: "R3",
    title: "a store that fails to close leaves none open, and close then throws what failed",
    rootOnly: true,
    async run({ store, separateStore }) {
      const failing: Store = Object.assign(Object.create(await separateStore()) as Store, {
        close: () => Promise.reject(new Error("does not close")),
      });
      const registry = new StoreRegistry({ stores: { failing, store } });
      let failure: unknown;
      try {
        await registry.close();
      } catch (error) {
        failure = error;
      }
      expectTrue(
        failure instanceof AggregateError && !isStoreError(failure),
        "an AggregateError",
        inspect(failure),
      );
      await expectRejects(() => store.get("key"), "KV_CLOSED", "get of the other store after close");
    },
  },
];
