import { guarded } from "@kv/core/driver";
import type { Terminal } from "./terminal.ts";

const everyMs = { onTerminal: 100, inLog: 5_000 };

/**
 * Tells on stderr how far long work is: on a terminal in one line that changes, in a log, where asked for, in a line now
 * and then. The last word is what `describe` says when the work has ended.
 */
export async function withProgress<T>(
  { stderr }: Terminal,
  asked: boolean,
  describe: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const onTerminal = stderr.isTTY === true;
  if (!onTerminal && !asked) return work();
  const tell = (): void => {
    stderr.write(onTerminal ? `\r\u001B[K${describe()}` : `${describe()}\n`);
  };
  const timer = setInterval(guarded(tell), onTerminal ? everyMs.onTerminal : everyMs.inLog);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    tell();
    if (onTerminal) stderr.write("\n");
  }
}
