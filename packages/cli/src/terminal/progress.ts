import { time } from "@kv/core/driver";
import type { Terminal } from "./terminal.ts";

const everyMs = { onTerminal: 100, inLog: 5_000 };

/**
 * Reports the progress of long work on stderr: on a terminal in one line that is rewritten, in a log, where asked for, in a
 * new line now and then. The last line is what `describe` returns when the work has ended.
 */
export async function withProgress<T>(
  { stderr }: Terminal,
  asked: boolean,
  describe: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const onTerminal = stderr.isTTY === true;
  if (!onTerminal && !asked) return work();
  const print = (): void => {
    stderr.write(onTerminal ? `\r\u001B[K${describe()}` : `${describe()}\n`);
  };
  const timer = time.setInterval(print, onTerminal ? everyMs.onTerminal : everyMs.inLog);
  try {
    return await work();
  } finally {
    time.clearInterval(timer);
    print();
    if (onTerminal) stderr.write("\n");
  }
}
