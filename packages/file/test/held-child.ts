import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/**
 * A process that is in the middle of an increment, with the lock of the key in its hand. It is killed with the test.
 *
 * @param program `held-process.ts`, bundled
 */
export async function heldProcess(
  program: string,
  directory: string,
): Promise<{ child: ChildProcess; said: () => Promise<unknown> }> {
  const child = fork(program, [directory], { execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = async (): Promise<unknown> => (await once(child, "message"))[0];
  const first = await said();
  if (first !== "held") throw new Error(`It said ${String(first)} and holds no lock.`);
  return { child, said };
}
