import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createRequire } from "node:module";
import type { Readable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";

export type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Runs a script of test/children from its source, with `env` over this process's environment. */
export function spawnChild(script: string, args: readonly string[], env: Record<string, string> = {}): Child {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const path = fileURLToPath(new URL(`children/${script}`, import.meta.url));
  return spawn(process.execPath, ["--conditions=@kv/source", "--import", tsx, path, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** What the child prints until it ends. */
export async function outputOf(child: Child): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout) text += String(chunk);
  return text;
}

/** The first line the child prints. */
export async function firstLineOf(child: Child): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  let errors = "";
  for await (const chunk of child.stderr) errors += String(chunk);
  throw new Error(`The child ended before it said anything: ${errors}`);
}
