import { write, writeJson } from "../terminal/terminal.ts";
import { exitCodes } from "../usage/exit-codes.ts";
import { type Command, openFirst } from "./command.ts";

export const deleteKeys: Command = {
  operands: "STORE KEY...",
  summary: "delete keys, and print how many existed",
  count: [2, Number.POSITIVE_INFINITY],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    const deleted = await store.deleteMany(rest);
    if (call.options.json) await writeJson(call.terminal, { deleted });
    else await write(call.terminal, `${deleted}\n`);
    return exitCodes.done;
  },
};
