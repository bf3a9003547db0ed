import { isUtf8 } from "node:buffer";
import type { Call } from "./command.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { answer, answerJson, isPrintable } from "./terminal.ts";

/** A value as JSON tells it. */
export interface ToldValue {
  readonly encoding: "utf8" | "base64";
  readonly value: string;
}

export function toldValue(value: Uint8Array): ToldValue {
  const encoding = isUtf8(value) ? "utf8" : "base64";
  return { encoding, value: Buffer.from(value).toString(encoding) };
}

/**
 * Answers with the value of a key, or that there is no such key: byte for byte, in JSON where asked for, and on a terminal
 * as a text with a line break for the prompt that follows.
 *
 * @param unshown what becomes of a value whose bytes could steer the terminal
 */
export async function answerValue(
  { options, terminal, tell }: Call,
  value: Uint8Array | undefined,
  unshown: (value: Uint8Array) => Promise<void>,
): Promise<ExitCode> {
  if (value === undefined) {
    if (options.json) await answerJson(terminal, { found: false });
    else tell("There is no such key.");
    return exitCodes.no;
  }
  if (options.json) await answerJson(terminal, { found: true, ...toldValue(value) });
  else if (terminal.stdout.isTTY !== true) await answer(terminal, value);
  else if (isText(value)) await answer(terminal, `${textOf(value).replace(/\n$/, "")}\n`);
  else await unshown(value);
  return exitCodes.done;
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString("utf8");
}

function isText(value: Uint8Array): boolean {
  return isUtf8(value) && isPrintable(textOf(value).replace(/[\t\n\r]/g, ""));
}
