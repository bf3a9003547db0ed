import { isUtf8 } from "node:buffer";
import { type Command, openFirst } from "../command.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { answer, answerJson, isPrintable } from "../terminal.ts";

export const get: Command = {
  operands: "STORE KEY",
  summary: "write the value of a key to stdout, byte for byte",
  count: [2, 2],
  options: ["namespace", "json", "timeout"],
  async run(call) {
    const { store, rest } = await openFirst(call);
    const value = await store.get(rest[0] ?? "");
    if (call.options.json) {
      await answerJson(
        call.terminal,
        value === undefined ? { found: false } : { found: true, ...told(value) },
      );
      return value === undefined ? exitCodes.no : exitCodes.done;
    }
    if (value === undefined) {
      call.tell("There is no such key.");
      return exitCodes.no;
    }
    if (call.terminal.stdout.isTTY !== true) await answer(call.terminal, value);
    else await answer(call.terminal, shownOnTerminal(value));
    return exitCodes.done;
  },
};

function told(value: Uint8Array): { readonly encoding: "utf8" | "base64"; readonly value: string } {
  const encoding = isUtf8(value) ? "utf8" : "base64";
  return { encoding, value: Buffer.from(value).toString(encoding) };
}

/** A text, and a line break for the prompt that follows. Other bytes could steer the terminal. */
function shownOnTerminal(value: Uint8Array): string {
  const text = Buffer.from(value).toString("utf8");
  if (isUtf8(value) && isPrintable(text.replace(/[\t\n\r]/g, "")))
    return text.endsWith("\n") ? text : `${text}\n`;
  throw new UsageError(
    `The value is ${value.length} bytes that are no plain text: send it to a file (> value.bin), or ask for --json.`,
  );
}
