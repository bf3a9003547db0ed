import { createHook } from "node:async_hooks";

/** How many promises are made while `calls` runs, and until what it gave is settled, one for `calls` itself apart. */
export async function promisesMade(calls: () => unknown): Promise<number> {
  let count = 0;
  const hook = createHook({
    init(_, type) {
      if (type === "PROMISE") count += 1;
    },
  });
  await nothing(); // what was in flight is settled
  hook.enable();
  const called = calls();
  await called;
  hook.disable();
  return count - awaited;
}

/** How many bytes are laid down in new arrays while `call` runs, whatever they are filled with. */
export function bytesLaidDown(call: () => unknown): number {
  let bytes = 0;
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      const made = Reflect.construct(target, args, newTarget) as Uint8Array;
      bytes += made.byteLength;
      return made;
    },
  });
  const slice = original.prototype.slice;
  original.prototype.slice = function (...range) {
    const made = slice.apply(this, range);
    bytes += made.byteLength;
    return made;
  };
  try {
    call();
  } finally {
    globalThis.Uint8Array = original;
    original.prototype.slice = slice;
  }
  return bytes;
}

/** To wait for a promise makes one of its own. */
const awaited = 1;

async function nothing(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
