import { write, writeJson } from "../terminal/terminal.ts";
import { exitCodes } from "../usage/exit-codes.ts";
import { type Command, openFirst } from "./command.ts";

export const ttl: Command = {
  operands: "STORE KEY",
  summary: "print how many seconds a key has left, or never",
  count: [2, 2],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    const seconds = await store.expiresIn(rest[0] ?? "");
    const never = seconds === Number.POSITIVE_INFINITY;
    if (call.options.json) {
      const expiresIn = never ? null : seconds; // JSON has no Infinity
      await writeJson(call.terminal, seconds === undefined ? { found: false } : { found: true, expiresIn });
    } else if (seconds === undefined) call.printNotice("There is no such key.");
    else await write(call.terminal, `${never ? "never" : seconds.toFixed(3)}\n`);
    return seconds === undefined ? exitCodes.no : exitCodes.done;
  },
};
