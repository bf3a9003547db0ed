import { fork } from "node:child_process";
import type { FullStore, Store } from "@kv/core";
import { checkName } from "@kv/core/driver";
import { ProcessCalls } from "./process-calls.ts";
import type { ReadyMessage } from "./process-messages.ts";

/** The options of `openInProcess`. */
export interface ProcessOptions {
  /** The elements of `process.argv` in the module from the third one on. Default: none. */
  readonly args?: readonly string[] | undefined;
  /** The options of Node for the process, like `["--import", "tsx"]` for TypeScript. Default: those of this process. */
  readonly execArgv?: readonly string[] | undefined;
}

/** A store whose calls another process makes, with the capabilities that the store there has. Closing it ends that process. */
export type ProcessStore = FullStore & IdleProcess;

/** A process that can be left alone with its store. */
export interface IdleProcess {
  /**
   * Leaves the process alone with its idle store and waits until it ends by itself (L3). Gives its exit code, or
   * `undefined` when it has not ended after twenty seconds; it is killed then.
   */
  endIdle(): Promise<number | undefined>;
}

/**
 * Starts a process that runs a module, and gives the store that the module serves with `serveStore`. It ends with
 * the store, and with this process. Its arguments, values and errors cross over, causes of errors do not.
 */
export async function openInProcess(
  module: string | URL,
  { args = [], execArgv = process.execArgv }: ProcessOptions = {},
): Promise<ProcessStore> {
  const calls = new ProcessCalls(fork(module, args, { execArgv: [...execArgv], serialization: "advanced" }));
  const ready = await calls.ready;
  return Object.assign(storeAt(calls, ready, 0, ready.namespace), { endIdle: () => calls.endIdle() });
}

/** Tells whether a store was made by `openInProcess`. */
export function isProcessStore(store: Store): store is Store & IdleProcess {
  return "endIdle" in store;
}

/** The store of a handle: with the methods that the store in the process has. */
function storeAt(
  calls: ProcessCalls,
  ready: ReadyMessage,
  handle: number,
  namespace: readonly string[] | null | undefined,
): FullStore {
  const close = async (): Promise<void> => {
    await calls.call(handle, "close", []);
    if (handle === 0) await calls.end();
  };
  const methods = ready.methods.map((method) => [method, methodOf(calls, handle, method)] as const);
  const store: Partial<FullStore> = {
    ...(Object.fromEntries(methods) as Partial<FullStore>),
    ...(ready.methods.includes("withNamespace") && {
      namespace: namespace ?? null,
      withNamespace: (name: string) =>
        storeAt(calls, ready, calls.namespace(handle, checkName(name)), [...(namespace ?? []), name]),
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
  return store as FullStore;
}

function methodOf(calls: ProcessCalls, handle: number, method: string): (...args: unknown[]) => unknown {
  switch (method) {
    case "keys":
    case "entries":
    case "namespaces":
      return async function* (...args) {
        yield* (await calls.call(handle, method, args)) as unknown[];
      };
    case "getMany":
    case "setMany":
    case "deleteMany":
      // Not every iterable can be sent.
      return (items, ...rest) => calls.call(handle, method, [[...(items as Iterable<unknown>)], ...rest]);
    default:
      return (...args) => calls.call(handle, method, args);
  }
}
