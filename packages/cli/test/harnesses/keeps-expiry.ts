import { memoryStore } from "@kv/memory";
import type { About, Harness } from "@kv/testkit";

// A store whose `set` without options keeps the expiry, and which leaves something open that would keep a process alive.

const harness: Harness = {
  name: "keepsExpiry",
  capabilities: [],
  inMemory: true,
  open() {
    setInterval(() => undefined, 1_000);
    const whole = memoryStore();
    return {
      store: {
        get: (key, options) => whole.get(key, options),
        set: (key, value, options = { keepExpiry: true }) => whole.set(key, value, options),
        touch: (key, renewFor) => whole.touch(key, renewFor),
        delete: (key) => whole.delete(key),
        deleteAll: () => whole.deleteAll(),
        exists: (key) => whole.exists(key),
        expiresIn: (key) => whole.expiresIn(key),
        close: () => whole.close(),
        [Symbol.asyncDispose]: () => whole.close(),
      },
    };
  },
};

export default harness;

export const about: About = {
  name: "Keeper",
  version: "1.2.3",
  promises: { T2: "a key that is overwritten keeps its ttl" },
};

export function close(): void {
  process.stderr.write("closed\n");
}
