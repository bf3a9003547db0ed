import { type Command, openFirst } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { withProgress } from "../progress.ts";
import { answer, answerJson } from "../terminal.ts";

export const deleteExpired: Command = {
  operands: "STORE",
  summary: "remove what has expired, here and below, and say how many (0 where the server does it)",
  count: [1, 1],
  options: ["namespace", "progress", "json", "timeout"],
  async run(call) {
    const { store } = await openFirst(call);
    const describe = (): string => "removing what has expired";
    const deleted = await withProgress(call.terminal, call.options.progress, describe, () =>
      store.deleteExpired(),
    );
    if (call.options.json) await answerJson(call.terminal, { deleted });
    else await answer(call.terminal, `${deleted}\n`);
    return exitCodes.done;
  },
};
