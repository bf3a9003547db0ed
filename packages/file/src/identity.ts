import { hash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";
import { isErrno } from "./errors.ts";
import type { FileStatus } from "./files.ts";

/** Who an owner is, as the name of its directory and the text of its locks; see `newIdentity`. */
export type Identity = string;

/**
 * What can be said of an owner from here: `unknown` where it is on another machine, in another process namespace
 * (a container) or in another thread.
 */
export type Life = "alive" | "ended" | "unknown";

/** What tells a directory from its copies. */
export type DirectoryId = Pick<FileStatus, "dev" | "ino">;

const pattern =
  /^(?<pid>\d+)-(?<start>\d+)-(?<boot>[0-9a-f]+)-(?<namespace>\d+)-(?<machine>[0-9a-f]+)-(?<thread>\d+)-(?<dev>\d+)-(?<ino>\d+)-[0-9a-f]+$/;
/** Of a file, on all file systems. */
const longestName = 200;
const unknownStart = "0";
/** The owners of this thread. */
const own = new Set<Identity>();

/** A new owner in this process, thread and machine, that belongs in that directory. */
export function newIdentity({ dev, ino }: DirectoryId): Identity {
  const { start, boot, namespace, machine } = thisProcess();
  const random = randomBytes(8).toString("hex");
  const identity = [process.pid, start, boot, namespace, machine, threadId, dev, ino, random].join("-");
  own.add(identity);
  return identity;
}

/** Whether an owner belongs in another directory, of which this is a copy: then nobody there knows of this one. */
export function isCopied(owner: Identity, { dev, ino }: DirectoryId): boolean {
  const its = pattern.exec(owner)?.groups;
  if (its === undefined) return false;
  // Elsewhere the same device may have another number.
  return (
    its["ino"] !== String(ino) || (its["namespace"] === thisProcess().namespace && its["dev"] !== String(dev))
  );
}

/** Whether a text can be an owner's name: what a power cut left of one may not, nor what another program has written. */
export function canBeIdentity(text: string): boolean {
  return text.length <= longestName && pattern.test(text);
}

/** Whether an owner is still there. */
export function lifeOf(owner: Identity): Life {
  if (own.has(owner)) return "alive";
  const here = thisProcess();
  const { pid, start, boot, namespace, machine, thread } = pattern.exec(owner)?.groups ?? {};
  if (machine !== here.machine) return "unknown";
  if (boot !== here.boot) return "ended"; // the machine was started again since
  if (namespace !== here.namespace) return "unknown";
  // Without its start, a process is not known from an earlier one of the same number.
  if (start === unknownStart || here.start === unknownStart) return exists(Number(pid)) ? "unknown" : "ended";
  if (Number(pid) !== process.pid) {
    if (startOf(Number(pid)) !== start) return "ended";
    return thread === "0" ? "alive" : "unknown"; // a worker thread may have ended before its process
  }
  if (start !== here.start) return "ended";
  return Number(thread) === threadId ? "alive" : "unknown";
}

let known: Readonly<Record<"start" | "boot" | "namespace" | "machine", string>> | undefined;

function thisProcess(): NonNullable<typeof known> {
  if (known !== undefined) return known;
  // Where /proc is that of another process namespace, it has other numbers.
  const isOurs = textOf("/proc/self/stat").startsWith(`${process.pid} `);
  known = {
    start: (isOurs ? startOf(process.pid) : undefined) ?? unknownStart,
    boot: short(textOf("/proc/sys/kernel/random/boot_id")),
    namespace: /\d+/.exec(said(() => readlinkSync("/proc/self/ns/pid")))?.[0] ?? "0",
    machine: short(`${hostname()} ${textOf("/etc/machine-id")}`),
  };
  return known;
}

/** When a process was started, by the clock of the kernel; `undefined` where there is none, or only its remains. */
function startOf(pid: number): string | undefined {
  const status = textOf(`/proc/${pid}/stat`);
  // The name of the program stands in brackets and may hold anything.
  const [state, ...rest] = status.slice(status.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : rest[18];
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (isErrno(error, "ESRCH", "EPERM")) return error.code === "EPERM"; // it is another user's
    throw error;
  }
}

function short(text: string): string {
  return hash("sha256", text, "hex").slice(0, 8);
}

function textOf(path: string): string {
  return said(() => readFileSync(path, "utf8"));
}

/** What the system says of itself; nothing where it is none of Linux. */
function said(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH", "EACCES", "ENOTDIR", "EINVAL", "UNKNOWN")) return "";
    throw error;
  }
}
