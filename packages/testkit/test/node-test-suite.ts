// Run by node-test.test.ts, as an author would run it: node --test
import { createStore } from "@kv/core/driver";
import { testStore } from "@kv/testkit/node-test";
import { ReferenceData, referenceDriver } from "./reference-driver.ts";

testStore({
  name: "under node:test",
  capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
  open() {
    const data = new ReferenceData();
    const driver = referenceDriver(data);
    if (process.env["BREAK"] === "exists") driver.root.exists = () => true;
    return {
      store: createStore(driver),
      advance(ms) {
        data.nowMs += ms;
      },
    };
  },
});
