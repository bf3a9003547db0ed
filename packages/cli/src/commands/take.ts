import { type Command, openFirst } from "../command.ts";
import { answerJson } from "../terminal.ts";
import { answerValue, toldValue } from "../value-answer.ts";

export const take: Command = {
  operands: "STORE KEY",
  summary: "write the value of a key to stdout and delete it, in one atomic step",
  details:
    "Of many who take a key exactly one gets its value. It is gone then, even where nobody reads the answer:\nsend it to a file on which there is room, or get the key and delete it afterwards.",
  count: [2, 2],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    // What the terminal cannot show must not be lost: it is the last copy.
    return answerValue(call, await store.take(rest[0] ?? ""), async (value) => {
      call.tell(`The value is ${value.length} bytes that are no plain text, and is told in JSON.`);
      await answerJson(call.terminal, { found: true, ...toldValue(value) });
    });
  },
};
