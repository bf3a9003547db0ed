import type { FullDriverNamespace } from "@kv/core/driver";

/** A way to a backend: what is done there, and what comes back, takes time. */
export type Channel = <T>(work: () => T | Promise<T>) => Promise<T>;

export interface Delays {
  /** The time to the backend, in milliseconds. Calls arrive in the order in which they were made, as over one connection. */
  readonly there: () => number;
  /** The time back. Answers may overtake each other. */
  readonly back: () => number;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A channel of which each handle opens one. */
export function delayingChannel({ there, back }: Delays): Channel {
  let lastArrival: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const arrival = Promise.all([lastArrival, wait(there())]);
    lastArrival = arrival;
    await arrival;
    let answer;
    try {
      answer = await work();
    } finally {
      await wait(back());
    }
    return answer;
  };
}

/** A channel that does one thing at a time, and each after a turn of the event loop. */
export function serialChannel(): Channel {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const done = last.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return await work();
    });
    last = done.catch(() => undefined);
    return await done;
  };
}

/** The same namespace at the other end of a channel. */
export function through(channel: Channel, namespace: FullDriverNamespace): FullDriverNamespace {
  const listed = (pages: () => AsyncIterable<readonly string[]>): AsyncIterable<readonly string[]> => ({
    async *[Symbol.asyncIterator]() {
      const iterator = pages()[Symbol.asyncIterator]();
      for (;;) {
        const next = await channel(() => iterator.next());
        if (next.done === true) return;
        yield next.value;
      }
    },
  });
  return new Proxy(namespace, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const call = (args: unknown[]): unknown => Reflect.apply(member, target, args);
      if (name === "keys" || name === "namespaces")
        return (...args: unknown[]) => listed(() => call(args) as AsyncIterable<readonly string[]>);
      return (...args: unknown[]) => channel(() => call(args));
    },
  });
}
