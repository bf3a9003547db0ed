import { UsageError } from "../usage/exit-codes.ts";
import { type Command, openFirst } from "./command.ts";
import { writeValue } from "./write-value.ts";

export const get: Command = {
  operands: "STORE KEY",
  summary: "write the value of a key to stdout, byte for byte",
  count: [2, 2],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    return writeValue(call, await store.get(rest[0] ?? ""), async ({ length }) => {
      throw new UsageError(
        `The value is ${length} bytes that are not plain text. Redirect it to a file (> value.bin), or pass --json.`,
      );
    });
  },
};
