import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { hasCode } from "../process/has-code.ts";

/** What outlives this process gets killed and removed by the guardian: servers by pid, folders by path. */
export interface Guardian {
  /** The guardian's own process. */
  readonly pid: number;
  watchProcess(pid: number): void;
  forgetProcess(pid: number): void;
  watchFolder(path: string): void;
  forgetFolder(path: string): void;
}

let started: Guardian | undefined;

/** The guardian of this process, started when it is first asked for. It keeps no process from ending. */
export function guardian(): Guardian {
  started ??= start();
  return started;
}

function start(): Guardian {
  // A test runner's worker outlives a runner that was killed, and would go on unheard with the servers it has.
  process.once("disconnect", () => process.exit(1));
  // In a session of its own (`detached`), so that Ctrl-C reaches the test run and not the guardian.
  const child = spawn(process.execPath, [fileURLToPath(new URL("guardian.mjs", import.meta.url))], {
    cwd: "/",
    detached: true,
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  const { pid, stdin: orders } = child;
  if (pid === undefined || !(orders instanceof Socket))
    throw new Error(`Could not start ${process.execPath}`);
  orders.unref();
  // If someone killed the guardian, the tests still tell what they were written to tell.
  orders.on("error", (error) => {
    if (!hasCode(error, "EPIPE")) throw error;
  });
  return {
    pid,
    watchProcess: (server) => orders.write(`+pid ${server}\n`),
    forgetProcess: (server) => orders.write(`-pid ${server}\n`),
    watchFolder: (path) => orders.write(`+folder ${path}\n`),
    forgetFolder: (path) => orders.write(`-folder ${path}\n`),
  };
}
