import { isUtf8 } from "node:buffer";
import { isPrintable, write, writeJson } from "../terminal/terminal.ts";
import { type ExitCode, exitCodes } from "../usage/exit-codes.ts";
import type { Call } from "./command.ts";

/** A value in a form that JSON can hold. */
export interface EncodedValue {
  readonly encoding: "utf8" | "base64";
  readonly value: string;
}

/** Encodes a value as text where it is UTF-8, otherwise in base64. */
export function encodeValue(value: Uint8Array): EncodedValue {
  const encoding = isUtf8(value) ? "utf8" : "base64";
  return { encoding, value: Buffer.from(value).toString(encoding) };
}

/**
 * Writes the value of a key, or says that there is no such key: byte for byte, in JSON where asked for, and on a terminal
 * as text with a line break for the prompt that follows.
 *
 * @param onUnprintable called with a value whose bytes the terminal would obey
 */
export async function writeValue(
  { options, terminal, printNotice }: Call,
  value: Uint8Array | undefined,
  onUnprintable: (value: Uint8Array) => Promise<void>,
): Promise<ExitCode> {
  if (value === undefined) {
    if (options.json) await writeJson(terminal, { found: false });
    else printNotice("There is no such key.");
    return exitCodes.no;
  }
  if (options.json) await writeJson(terminal, { found: true, ...encodeValue(value) });
  else if (terminal.stdout.isTTY !== true) await write(terminal, value);
  else if (isText(value)) await write(terminal, `${textOf(value).replace(/\n$/, "")}\n`);
  else await onUnprintable(value);
  return exitCodes.done;
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString("utf8");
}

function isText(value: Uint8Array): boolean {
  return isUtf8(value) && isPrintable(textOf(value).replace(/[\t\n\r]/g, ""));
}
