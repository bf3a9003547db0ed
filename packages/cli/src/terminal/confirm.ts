import { createInterface } from "node:readline";
import { UsageError } from "../usage/exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks before data is lost. Returns whether the answer was yes.
 *
 * @throws UsageError where stdin or stderr is not a terminal
 */
export async function confirm({ stdin, stderr }: Terminal, question: string): Promise<boolean> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new UsageError(
      `${question} Cannot ask for confirmation without a terminal. Pass --yes to confirm.`,
    );
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
