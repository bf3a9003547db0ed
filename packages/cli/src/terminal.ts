import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** What the command reads from and writes to: a process, or a test. */
export interface Terminal {
  /** Where values come from, as for `kv set`. */
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Where answers go. */
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** Where errors and progress go. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Variables, as `KV_URL`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Writes the answer, and waits for a reader that is slower. */
export async function answer({ stdout }: Terminal, data: string | Uint8Array): Promise<void> {
  if (!stdout.write(data)) await once(stdout, "drain");
}

export function answerJson(terminal: Terminal, value: unknown): Promise<void> {
  return answer(terminal, `${printableJson(value)}\n`);
}

/** Whether a text can be shown as it is: no control character in it may steer the terminal. */
export function isPrintable(text: string): boolean {
  return !/[\p{Cc}\u2028\u2029]/u.test(text);
}

/** JSON in one line, without the control characters that JSON itself lets stand. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
