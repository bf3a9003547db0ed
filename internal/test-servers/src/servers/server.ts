import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type ServerBinaries, serverBinaries } from "../install/binaries.ts";
import type { Certificates } from "../install/certificates.ts";
import { until } from "../process/until.ts";
import type { Reply } from "../protocol/resp.ts";
import { sendCommand } from "../protocol/send-command.ts";
import { claimPort, type PortClaim } from "./claim-port.ts";
import { guardian } from "./guardian.ts";
import type { ServerKind, ServerRelease } from "./kind.ts";
import { workFolder } from "./work-folder.ts";

/** One server process on a loopback port. */
export interface RunningServer extends AsyncDisposable {
  readonly kind: ServerKind;
  /** Such as `7.0.15`. */
  readonly version: string;
  readonly host: "127.0.0.1";
  readonly port: number;
  /** `redis://` or, with TLS, `rediss://`, with the password of the user `default` in it. */
  readonly url: string;
  readonly password: string | undefined;
  /** The authority that signed the server's certificate, as PEM; `undefined` on a plain port. */
  readonly ca: string | undefined;
  /** Changes with `restart`. */
  readonly pid: number;
  /** False after `kill`, `stop` or a crash; true while paused. */
  readonly running: boolean;
  /** Between `pause` and `resume`. */
  readonly paused: boolean;
  /** Its working directory: dump.rdb, nodes.conf, server.log. */
  readonly folder: string;
  /** The same address for another user, by ACL. */
  urlAs(username: string, password: string): string;
  /** Sends one command, as the user `default`, over a connection of its own. Rejects with the server's error. */
  command(...args: readonly (string | Uint8Array)[]): Promise<Reply>;
  /** The fields of `INFO section`. */
  info(section: string): Promise<Record<string, string>>;
  /** SIGSTOP; resolved once the process stands still. Its port still takes connections, and nobody answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL; resolved once it is gone. Its port and folder are kept for `restart`. */
  kill(): Promise<void>;
  /**
   * Kills it if need be and starts it on the same port and folder, with the same arguments and `args` after
   * them. Resolves once it answers; with `whileLoading` even before it has read its dump.
   */
  restart(options?: { args?: readonly string[]; whileLoading?: boolean }): Promise<void>;
  /** Kills it, removes its folder and gives its port back. May be called twice. */
  stop(): Promise<void>;
  /** What it has logged so far. */
  log(): Promise<string>;
}

/** What `launch` has to know of a server beyond its kind. */
export interface Launch {
  kind: ServerKind;
  release: ServerRelease | undefined;
  password: string | undefined;
  certificates: Certificates | undefined;
  /** Writes what files it needs into `folder` and resolves to the arguments of the server program. */
  prepare(folder: string, port: number): Promise<readonly string[]>;
}

const READY_WITHIN_MS = 120_000;
const TRIES = 5;

/** Starts a server on a free port and resolves once it answers. */
export async function launch(plan: Launch): Promise<RunningServer> {
  const binaries = await serverBinaries(plan.kind, plan.release);
  for (let tries = 1; ; tries++) {
    const claim = await claimPort();
    const folder = await workFolder(plan.kind);
    const server = serverIn(plan, binaries, claim, folder, await plan.prepare(folder, claim.port));
    try {
      await server.restart();
      return server;
    } catch (error) {
      const portWasTaken = /address already in use/i.test(await server.log());
      await server.stop();
      if (!portWasTaken || tries === TRIES) throw error;
    }
  }
}

function serverIn(
  { kind, password, certificates }: Launch,
  binaries: ServerBinaries,
  claim: PortClaim,
  folder: string,
  baseArgs: readonly string[],
): RunningServer {
  const { port } = claim;
  const logFile = join(folder, "server.log");
  const ca = certificates?.ca;
  const scheme = ca === undefined ? "redis" : "rediss";
  const urlAs = (username: string, secret: string): string =>
    `${scheme}://${encodeURIComponent(username)}:${encodeURIComponent(secret)}@127.0.0.1:${port}`;
  const command = (...args: readonly (string | Uint8Array)[]): Promise<Reply> =>
    sendCommand({ port, password, ca }, args);
  const info = async (section: string): Promise<Record<string, string>> =>
    parseInfo(String(await command("INFO", section)));
  let child: ChildProcess | undefined;
  let paused = false;
  let stopped = false;

  const kill = async (): Promise<void> => {
    paused = false;
    if (child === undefined || !isAlive(child)) return;
    const exited = once(child, "exit");
    child.ref();
    child.kill("SIGKILL");
    await exited;
  };

  return {
    kind,
    version: binaries.version,
    host: "127.0.0.1",
    port,
    password,
    ca,
    folder,
    url: password === undefined ? `${scheme}://127.0.0.1:${port}` : urlAs("", password),
    get pid() {
      return child?.pid ?? -1;
    },
    get running() {
      return child !== undefined && isAlive(child);
    },
    get paused() {
      return paused;
    },
    urlAs,
    command,
    info,
    kill,
    async pause() {
      const { pid } = running(child);
      process.kill(pid, "SIGSTOP");
      paused = true;
      // The signal is delivered in the kernel's own time. Elsewhere than on Linux there is no cheap way to ask.
      if (process.platform !== "linux") return;
      await until(`pid ${pid} stands still`, READY_WITHIN_MS, () => (isStopped(pid) ? true : undefined));
    },
    resume() {
      process.kill(running(child).pid, "SIGCONT");
      paused = false;
    },
    async restart(options = {}) {
      if (stopped) throw new Error(`The ${kind} server on port ${port} was stopped for good`);
      await kill();
      const started = await spawnServer(binaries, [...baseArgs, ...(options.args ?? [])], logFile);
      child = started;
      await until(`the ${kind} server on port ${port} answers`, READY_WITHIN_MS, async () => {
        if (!isAlive(started)) return true;
        const { process_id: pid } = await info("server");
        const { loading } = await info("persistence");
        // Whoever else answers on this port is not the server that was asked for.
        const ready = pid === String(started.pid) && (loading !== "1" || options.whileLoading === true);
        return ready ? true : undefined;
      });
      if (!isAlive(started)) {
        throw new Error(
          `The ${kind} server ended as soon as it was started: ${await readFile(logFile, "utf8")}`,
        );
      }
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      await kill();
      await rm(folder, { recursive: true, force: true });
      claim.release();
    },
    log: () => readFile(logFile, "utf8"),
    async [Symbol.asyncDispose]() {
      await this.stop();
    },
  };
}

async function spawnServer(
  binaries: ServerBinaries,
  args: readonly string[],
  logFile: string,
): Promise<ChildProcess> {
  const log = await open(logFile, "a");
  try {
    const [program, ...before] = [...diesWithItsParent(), ...binaries.loader, binaries.server];
    const child = spawn(program ?? binaries.server, [...before, ...args], {
      cwd: "/",
      env: { ...process.env, ...binaries.env },
      stdio: ["ignore", log.fd, log.fd],
    });
    await once(child, "spawn");
    const { pid } = running(child);
    guardian().watchProcess(pid);
    child.once("exit", () => guardian().forgetProcess(pid));
    // A server that a test forgot must not keep the test run from ending: the guardian takes care of it.
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

/** A second line behind the guardian, where util-linux is: the kernel itself kills the server. */
function diesWithItsParent(): string[] {
  if (process.platform !== "linux") return [];
  const places = (process.env["PATH"] ?? "").split(delimiter);
  const setpriv = places.map((place) => join(place, "setpriv")).find((path) => existsSync(path));
  return setpriv === undefined ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
}

function running(child: ChildProcess | undefined): { pid: number } {
  const pid = child?.pid;
  if (child === undefined || pid === undefined || !isAlive(child))
    throw new Error("The server is not running");
  return { pid };
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** The state is the first field after the program's name, which stands in brackets and may hold anything. */
function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}

function parseInfo(text: string): Record<string, string> {
  const fields = text.matchAll(/^([^#:\r\n]+):(.*?)\r?$/gm);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}
