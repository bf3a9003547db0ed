import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface RunningWeb extends AsyncDisposable {
  readonly url: string;
  /** What it said when it was ready. */
  readonly said: string;
  readonly process: ChildProcess;
  /** Tells it to end, as a service manager does, and resolves with its exit code and what it printed as errors. */
  end(): Promise<{ readonly code: number | null; readonly stderr: string }>;
}

const main = new URL("../src/main.ts", import.meta.url).pathname;

/** Starts the example as the README's command does, on a free port, and waits until it listens. */
export async function startWeb(env: Record<string, string>): Promise<RunningWeb> {
  const child = spawn(process.execPath, ["--conditions=@kv/source", "--import", "tsx", main], {
    env: { ...process.env, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exit = once(child, "exit") as Promise<[number | null]>;
  let stdout = "";
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ready = new Promise<string>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const line = /^http\S+, .*$/m.exec(stdout)?.[0];
      if (line !== undefined) resolve(line);
    });
  });
  const said = await Promise.race([ready, exit.then(() => undefined)]);
  if (said === undefined) throw new Error(`It ended before it listened: ${stderr}`);
  const end = async (): Promise<{ code: number | null; stderr: string }> => {
    child.kill("SIGTERM");
    const [code] = await exit;
    return { code, stderr };
  };
  const [url = ""] = said.split(",");
  return {
    url,
    said,
    process: child,
    end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end();
    },
  };
}
