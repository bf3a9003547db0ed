import { writeJson } from "../terminal/terminal.ts";
import { type Command, openFirst } from "./command.ts";
import { encodeValue, writeValue } from "./write-value.ts";

export const take: Command = {
  operands: "STORE KEY",
  summary: "write the value of a key to stdout and delete it, in one atomic step",
  details:
    "If several take a key, exactly one gets its value. The key is gone then, even if nobody reads the output:\nredirect it to a file with enough room, or get the key and delete it afterwards.",
  count: [2, 2],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    // A value that the terminal cannot show must not be lost: this is the last copy.
    return writeValue(call, await store.take(rest[0] ?? ""), async (value) => {
      call.printNotice(
        `The value is ${value.length} bytes that are not plain text, so it is printed as JSON.`,
      );
      await writeJson(call.terminal, { found: true, ...encodeValue(value) });
    });
  },
};
