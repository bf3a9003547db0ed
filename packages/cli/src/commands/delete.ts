import { type Command, openFirst } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { answer, answerJson } from "../terminal.ts";

export const deleteKeys: Command = {
  operands: "STORE KEY...",
  summary: "delete keys, and say how many there were",
  count: [2, Number.POSITIVE_INFINITY],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    const deleted = await store.deleteMany(rest);
    if (call.options.json) await answerJson(call.terminal, { deleted });
    else await answer(call.terminal, `${deleted}\n`);
    return exitCodes.done;
  },
};
