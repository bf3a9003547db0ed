import { hash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";
import { isErrno } from "./errors.ts";

/** Who an owner is, as the name of its directory and the text of its locks; see `newIdentity`. */
export type Identity = string;

/**
 * What can be said of an owner from here: `unknown` where it is on another machine, in another process namespace
 * (a container) or in another thread.
 */
export type Life = "alive" | "ended" | "unknown";

/** A new owner in this process: process, its start, boot, process namespace, machine, thread, and a random part. */
export function newIdentity(): Identity {
  const here = thisProcess();
  return [...here.parts, threadId, randomBytes(8).toString("hex")].join("-");
}

/** Whether a text can be an owner's name, of this version or another: what a power cut left of one may not. */
export function canBeIdentity(text: string): boolean {
  return text.length <= longestName && /^[0-9a-z]+(-[0-9a-z]+)*$/i.test(text);
}

/** Whether an owner is still there. */
export function lifeOf(owner: Identity): Life {
  const [, pid = "", start, boot, namespace, machine, thread] = pattern.exec(owner) ?? [];
  const here = thisProcess();
  if (start === undefined || machine !== here.machine) return "unknown";
  // The same machine was started again since.
  if (boot !== here.boot) return "ended";
  if (namespace !== here.namespace) return "unknown";
  if (Number(pid) === process.pid && start === here.start) {
    return Number(thread) === threadId ? "alive" : "unknown";
  }
  if (start === "0") return exists(Number(pid)) ? "unknown" : "ended";
  return startOf(Number(pid)) === start ? "alive" : "ended";
}

/** Of a file, on all file systems. */
const longestName = 200;
const pattern = /^(\d+)-(\d+)-([0-9a-f]+)-(\d+)-([0-9a-f]+)-(\d+)-[0-9a-f]+$/;

interface Process {
  readonly start: string;
  readonly boot: string;
  readonly namespace: string;
  readonly machine: string;
  readonly parts: readonly (string | number)[];
}

let known: Process | undefined;

function thisProcess(): Process {
  if (known !== undefined) return known;
  const start = startOf(process.pid) ?? "0";
  const boot = short(textOf("/proc/sys/kernel/random/boot_id"));
  const namespace = /\d+/.exec(linkOf("/proc/self/ns/pid"))?.[0] ?? "0";
  const machine = short(`${hostname()} ${textOf("/etc/machine-id")}`);
  known = { start, boot, namespace, machine, parts: [process.pid, start, boot, namespace, machine] };
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
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    if (isErrno(error, "EPERM")) return true;
    throw error;
  }
}

function short(text: string): string {
  return hash("sha256", text, "hex").slice(0, 8);
}

/** What the system says of itself there; nothing where it is none of Linux. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH", "EACCES", "ENOTDIR")) return "";
    throw error;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "EACCES", "EINVAL", "ENOTDIR", "UNKNOWN")) return "";
    throw error;
  }
}
