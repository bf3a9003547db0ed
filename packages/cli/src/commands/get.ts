import { type Command, openFirst } from "../command.ts";
import { UsageError } from "../exit-codes.ts";
import { answerValue } from "../value-answer.ts";

export const get: Command = {
  operands: "STORE KEY",
  summary: "write the value of a key to stdout, byte for byte",
  count: [2, 2],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    return answerValue(call, await store.get(rest[0] ?? ""), async ({ length }) => {
      throw new UsageError(
        `The value is ${length} bytes that are no plain text: send it to a file (> value.bin), or ask for --json.`,
      );
    });
  },
};
