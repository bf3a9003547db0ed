import { fork } from "node:child_process";
import { once } from "node:events";

/** Tasks by name: each runs once, in a process of its own that has done nothing else, and answers with figures. */
export type Tasks = Readonly<Record<string, () => Promise<unknown>>>;

/** Runs a task that a module serves. */
export async function runTask(module: URL, name: string): Promise<unknown> {
  const child = fork(module, [name], { execArgv: ["--expose-gc"] });
  const [answer] = (await once(child, "message")) as [unknown];
  if (child.exitCode === null) await once(child, "exit");
  return answer;
}

/** Called by a module of tasks: where it was started for one, does it once the module is there. */
export function serveTask(tasks: Tasks): void {
  const task = tasks[process.argv[2] ?? ""];
  if (process.send === undefined || task === undefined) return;
  setImmediate(() => {
    void task().then((answer) => {
      process.send?.(answer);
      process.disconnect();
    });
  });
}

/** All that nobody holds is gone after this. */
export function collectAllGarbage(): void {
  const { gc } = globalThis as { gc?: (options: { flavor: "last-resort" }) => void };
  if (gc === undefined) throw new Error("Run it with --expose-gc.");
  for (let pass = 0; pass < 3; pass += 1) gc({ flavor: "last-resort" });
}
