import { type Answer, type FullDriverNamespace, yieldToEventLoop } from "@kv/core/driver";
import { type FullDriver, type ReferenceData, referenceDriver } from "../reference-driver.ts";

/** What is different in a namespace. */
export type Change = (
  namespace: FullDriverNamespace,
  path: readonly string[],
) => Partial<FullDriverNamespace>;

/**
 * The reference driver as over a network: the calls on one handle are done in order, each a turn of the event loop later, and
 * what a change makes of several steps is one step for the handle, and several for others.
 */
export function slowDriver(
  data: ReferenceData,
  rootPath: readonly string[] | null,
  change: Change = () => ({}),
): FullDriver {
  const driver = referenceDriver(data, rootPath);
  let last: Promise<unknown> = Promise.resolve();
  const enqueue: Enqueue = (work) => {
    const answer = last.then(turn).then(work);
    last = answer.catch(() => undefined);
    return answer;
  };
  const slow = (path: readonly string[], namespace: FullDriverNamespace): FullDriverNamespace => {
    const whole = { ...namespace, take: takeOf(namespace) };
    return inOrder({ ...whole, ...change(whole, path) }, enqueue);
  };
  return {
    ...driver,
    root: slow(rootPath ?? ["null"], driver.root),
    namespace: (path) => slow(path, driver.namespace(path)),
  };
}

/** Gives way to others, as any call over a network does. */
export function turn(): Promise<void> {
  return yieldToEventLoop();
}

/** `take` in one step, which the reference leaves to the store. */
export function takeOf(namespace: FullDriverNamespace): (key: string) => Answer<Uint8Array | undefined> {
  return (key) => {
    const found = namespace.get(key);
    void namespace.delete(key);
    return found;
  };
}

type Enqueue = <T>(work: () => Answer<T>) => Promise<T>;

type Call = (...args: readonly unknown[]) => Answer<unknown>;

function inOrder(namespace: FullDriverNamespace, enqueue: Enqueue): FullDriverNamespace {
  const calls = Object.entries(namespace as unknown as Record<string, Call>).map(([name, call]) => [
    name,
    (...args: readonly unknown[]) => enqueue(() => call(...args)),
  ]);
  const pagesOf = async function* (pages: AsyncIterable<readonly string[]>) {
    const iterator = pages[Symbol.asyncIterator]();
    try {
      for (;;) {
        const page = await enqueue(() => iterator.next());
        if (page.done === true) return;
        yield page.value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return {
    ...(Object.fromEntries(calls) as unknown as FullDriverNamespace),
    keys: (prefix) => pagesOf(namespace.keys(prefix)),
    namespaces: () => pagesOf(namespace.namespaces()),
  };
}
