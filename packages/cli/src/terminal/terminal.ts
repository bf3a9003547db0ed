import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** The streams and variables that the command works with: those of a process, or of a test. */
export interface Terminal {
  /** The source of values, as for `kv set`. */
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** The target of results. */
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** The target of errors and progress. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** The environment variables, like `KV_URL`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Writes a result to stdout, and waits while the reader is slower. */
export async function write({ stdout }: Terminal, data: string | Uint8Array): Promise<void> {
  if (!stdout.write(data)) await once(stdout, "drain");
}

/** Writes a value to stdout as a line of JSON. */
export function writeJson(terminal: Terminal, value: unknown): Promise<void> {
  return write(terminal, `${printableJson(value)}\n`);
}

/** Tells whether a text can be shown as it is, with no control character that the terminal would obey. */
export function isPrintable(text: string): boolean {
  return !/[\p{Cc}\u2028\u2029]/u.test(text);
}

/** Returns JSON in one line, with the control characters escaped that JSON itself leaves as they are. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
