import { PassThrough } from "node:stream";
import { kv } from "../src/command-line/kv.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  /** What is typed or piped in. */
  readonly input?: string | Uint8Array;
  /** Whether it runs on a terminal. */
  readonly tty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the command within this process. */
export async function run(
  args: readonly string[],
  { input = "", tty = false, env = {} }: RunOptions = {},
): Promise<Outcome> {
  const stdin = stream(tty);
  const { written: stdout, ...out } = captured(tty);
  const { written: stderr, ...err } = captured(tty);
  stdin.end(input);
  const code = await kv(args, { stdin, stdout: out.stream, stderr: err.stream, env });
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

/** The same, for what is text. */
export async function runText(
  args: readonly string[],
  options?: RunOptions,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await run(args, options);
  return { code, stdout: stdout.toString(), stderr };
}

function stream(tty: boolean): PassThrough & { isTTY?: boolean } {
  return Object.assign(new PassThrough(), tty ? { isTTY: true } : {});
}

function captured(tty: boolean): { readonly stream: PassThrough; readonly written: Buffer[] } {
  const written: Buffer[] = [];
  const into = stream(tty);
  into.on("data", (data: Buffer) => written.push(data));
  return { stream: into, written };
}
