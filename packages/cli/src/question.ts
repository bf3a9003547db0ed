import { createInterface } from "node:readline";
import { UsageError } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks before something is lost. Was the answer yes?
 *
 * @throws UsageError where there is nobody to ask
 */
export async function confirmed({ stdin, stderr }: Terminal, question: string): Promise<boolean> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new UsageError(`${question} There is no terminal to ask on: pass --yes to mean it.`);
  }
  const lines = createInterface({ input: stdin });
  try {
    stderr.write(`${question} [y/N] `);
    for await (const line of lines) return /^\s*y(es)?\s*$/i.test(line);
    return false; // the end of the input
  } finally {
    lines.close();
  }
}
