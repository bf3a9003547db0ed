import { withProgress } from "../terminal/progress.ts";
import { write, writeJson } from "../terminal/terminal.ts";
import { exitCodes } from "../usage/exit-codes.ts";
import { type Command, openFirst } from "./command.ts";

export const deleteExpired: Command = {
  operands: "STORE",
  summary: "remove expired entries, here and below, and print how many (0 where the server does it)",
  count: [1, 1],
  options: ["namespace", "progress", "json", "timeout"],
  async run(call) {
    const { store } = await openFirst(call);
    const describe = (): string => "removing expired entries";
    const deleted = await withProgress(call.terminal, call.options.progress, describe, () =>
      store.deleteExpired(),
    );
    if (call.options.json) await writeJson(call.terminal, { deleted });
    else await write(call.terminal, `${deleted}\n`);
    return exitCodes.done;
  },
};
