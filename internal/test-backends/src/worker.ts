import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** A process that runs a module of a test's. */
export interface Worker extends AsyncDisposable {
  readonly process: ChildProcess;
  /** What it sent first: that it is ready, such as `{ port }`. */
  readonly ready: unknown;
  /** Kills it. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a process that runs a TypeScript module, with one argument that it reads as
 * `JSON.parse(process.argv[2])`, and resolves with the first message that it sends. It ends with this process, if
 * it does not stop listening to it.
 */
export async function startWorker(module: URL, argument: unknown): Promise<Worker> {
  const child = fork(module, [JSON.stringify(argument)], {
    execArgv: ["--conditions=@kv/source", "--import", "tsx"],
  });
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const ready = await Promise.race([
    once(child, "message").then(([message]: unknown[]) => ({ message })),
    ended.then(() => undefined),
  ]);
  if (ready === undefined)
    throw new Error(`${module.pathname} ended before it was ready; see what it printed.`);
  return { process: child, ready: ready.message, stop, [Symbol.asyncDispose]: stop };
}
