import { type Command, openFirst } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { answer, answerJson } from "../terminal.ts";

export const ttl: Command = {
  operands: "STORE KEY",
  summary: "say how many seconds a key has left, or never",
  count: [2, 2],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    const seconds = await store.expiresIn(rest[0] ?? "");
    const never = seconds === Number.POSITIVE_INFINITY;
    if (call.options.json) {
      const expiresIn = never ? null : seconds; // JSON has no Infinity
      await answerJson(call.terminal, seconds === undefined ? { found: false } : { found: true, expiresIn });
    } else if (seconds === undefined) call.tell("There is no such key.");
    else await answer(call.terminal, `${never ? "never" : seconds.toFixed(3)}\n`);
    return seconds === undefined ? exitCodes.no : exitCodes.done;
  },
};
