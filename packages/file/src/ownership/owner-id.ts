import { hash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";
import type { FileStatus } from "../disk/file-system.ts";
import { isErrno } from "../errors/errors.ts";

/** The name of an owner's directory, and the text of its locks; see `newOwnerId`. */
export type OwnerId = string;

/**
 * The state of an owner as far as it can be seen from here: `unknown` where it is on another machine, in another process
 * namespace (a container) or in another thread.
 */
export type Liveness = "alive" | "ended" | "unknown";

/** The device and inode of a directory, which tell it from its copies. */
export type DirectoryId = Pick<FileStatus, "dev" | "ino">;

const ownerIdPattern =
  /^(?<pid>\d+)-(?<start>\d+)-(?<boot>[0-9a-f]+)-(?<namespace>\d+)-(?<machine>[0-9a-f]+)-(?<thread>\d+)-(?<dev>\d+)-(?<ino>\d+)-[0-9a-f]+$/;
/** The longest name of a file that all file systems take. */
const maxNameLength = 200;
const unknownStart = "0";
/** The owners of this thread. */
const ownIds = new Set<OwnerId>();

/** Makes the id of a new owner in this process, thread and machine, that belongs in that directory. */
export function newOwnerId({ dev, ino }: DirectoryId): OwnerId {
  const { start, boot, namespace, machine } = thisProcess();
  const random = randomBytes(8).toString("hex");
  const ownerId = [process.pid, start, boot, namespace, machine, threadId, dev, ino, random].join("-");
  ownIds.add(ownerId);
  return ownerId;
}

/** Tells whether an owner belongs in another directory, of which this is a copy: then nobody there knows of this one. */
export function isCopied(owner: OwnerId, { dev, ino }: DirectoryId): boolean {
  const parts = ownerIdPattern.exec(owner)?.groups;
  if (parts === undefined) return false;
  // Elsewhere the same device may have another number.
  return (
    parts["ino"] !== String(ino) ||
    (parts["namespace"] === thisProcess().namespace && parts["dev"] !== String(dev))
  );
}

/** Tells whether a text can be an owner's id: not what a power cut left of one, nor what another program has written. */
export function isOwnerId(text: string): boolean {
  return text.length <= maxNameLength && ownerIdPattern.test(text);
}

/** Tells whether an owner lives. */
export function livenessOf(owner: OwnerId): Liveness {
  if (ownIds.has(owner)) return "alive";
  const here = thisProcess();
  const { pid, start, boot, namespace, machine, thread } = ownerIdPattern.exec(owner)?.groups ?? {};
  if (machine !== here.machine) return "unknown";
  if (boot !== here.boot) return "ended"; // the machine was started again since
  if (namespace !== here.namespace) return "unknown";
  // Without its start, a process is not known from an earlier one of the same number.
  if (start === unknownStart || here.start === unknownStart) return exists(Number(pid)) ? "unknown" : "ended";
  if (Number(pid) !== process.pid) {
    if (processStart(Number(pid)) !== start) return "ended";
    return thread === "0" ? "alive" : "unknown"; // a worker thread may have ended before its process
  }
  if (start !== here.start) return "ended";
  return Number(thread) === threadId ? "alive" : "unknown";
}

let known: Readonly<Record<"start" | "boot" | "namespace" | "machine", string>> | undefined;

function thisProcess(): NonNullable<typeof known> {
  if (known !== undefined) return known;
  // Where /proc is that of another process namespace, it has other numbers.
  const isOurs = readText("/proc/self/stat").startsWith(`${process.pid} `);
  known = {
    start: (isOurs ? processStart(process.pid) : undefined) ?? unknownStart,
    boot: shortHash(readText("/proc/sys/kernel/random/boot_id")),
    namespace: /\d+/.exec(orEmpty(() => readlinkSync("/proc/self/ns/pid")))?.[0] ?? "0",
    machine: shortHash(`${hostname()} ${readText("/etc/machine-id")}`),
  };
  return known;
}

/** Returns when a process was started, by the clock of the kernel; `undefined` where it has ended, or is a zombie. */
function processStart(pid: number): string | undefined {
  const status = readText(`/proc/${pid}/stat`);
  // The name of the program is in brackets and may hold anything.
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

function shortHash(text: string): string {
  return hash("sha256", text, "hex").slice(0, 8);
}

function readText(path: string): string {
  return orEmpty(() => readFileSync(path, "utf8"));
}

/** Reads what Linux says of itself; nothing on other systems. */
function orEmpty(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH", "EACCES", "ENOTDIR", "EINVAL", "UNKNOWN")) return "";
    throw error;
  }
}
