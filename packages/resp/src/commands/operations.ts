import { Buffer } from "node:buffer";
import { addToInteger } from "@kv/core/driver";
import { refusedInScript } from "../errors/errors.ts";
import type { Argument } from "../transport/transport.ts";
import type { Command, Operation, OperationType, SingleCommand } from "./operation.ts";
import {
  compareAndDeleteScript,
  compareAndSetScript,
  incrementScript,
  renewScript,
  type Script,
  setScript,
} from "./scripts.ts";

// The types of operation. Where values go along with the key, the docstring says which.

/** Larger commands gain nothing, and keep the server's other clients waiting. */
const maxBatched = 64;

export const read: OperationType = {
  writes: false,
  maxPerCommand: maxBatched,
  toCommand: (operations) => ({
    name: operations.length === 1 ? "get" : "mget",
    args: keysOf(operations),
  }),
  splitReply: (reply, operations) => (operations.length === 1 ? [reply] : (reply as readonly unknown[])),
};

/** Values: the value. Removes an older expiry. */
export const write: OperationType = {
  writes: true,
  maxPerCommand: maxBatched,
  toCommand: (operations) => ({
    name: operations.length === 1 ? "set" : "mset",
    args: keysAndValuesOf(operations),
  }),
};

/** Values: the value, and the expiry of `setScript`. */
export const writeWithExpiry: OperationType = {
  writes: true,
  maxPerCommand: maxBatched,
  toCommand(operations) {
    const [
      {
        key,
        values: [value = "", expiry = ""],
      } = { key: "", values: [] },
    ] = operations;
    if (operations.length > 1) return runScript(setScript, operations);
    return { name: "set", args: expiry === "k" ? [key, value, "KEEPTTL"] : [key, value, "PX", expiry] };
  },
  splitReply: (reply, operations) => (operations.length === 1 ? [reply] : splitScriptReply(reply)),
};

/** Values: those of `renewScript`. */
export const renew: OperationType = scripted(renewScript);

/** Values: those of `incrementScript`. Each answer is the sum, and the milliseconds left. */
export const increment: OperationType = {
  ...scripted(incrementScript),
  splitReply(reply, operations) {
    const flat = splitScriptReply(reply);
    return operations.map(({ values: [by] }, at) => {
      const sum = flat[2 * at];
      const rest = flat[2 * at + 1];
      return sum instanceof Error ? (incrementError(rest, Number(by)) ?? sum) : [sum, rest];
    });
  },
};

/** The error that all stores share for a string that cannot be counted from. */
function incrementError(held: unknown, by: number): Error | undefined {
  if (!Buffer.isBuffer(held)) return undefined;
  try {
    addToInteger(held, by);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Values: those of `compareAndSetScript`. */
export const compareAndSet: OperationType = scripted(compareAndSetScript);

/** Values: those of `compareAndDeleteScript`. */
export const compareAndDelete: OperationType = scripted(compareAndDeleteScript);

/** Values: the arguments of SET after the key. */
export const writeIfAbsent: OperationType = unbatched("set", true);

export const remove: OperationType = unbatched("unlink", true);

export const take: OperationType = unbatched("getdel", true);

/**
 * Makes the type of the removals of one call, where only the number counts: the first operation of a command answers for all
 * of it. Each call has a type of its own, so the removals of two calls never share a command.
 */
export function removeCounted(): OperationType {
  return {
    writes: true,
    maxPerCommand: 512,
    toCommand: (operations) => ({ name: "unlink", args: keysOf(operations) }),
    splitReply: (reply, operations) => operations.map((_, at) => (at === 0 ? reply : 0)),
  };
}

export const exists: OperationType = unbatched("exists", false);

export const timeLeft: OperationType = unbatched("pttl", false);

/** Values: the arguments of SCAN. */
export const scan: OperationType = {
  writes: false,
  maxPerCommand: 1,
  toCommand: (operations) => ({ name: "scan", args: valuesOf(operations) }),
};

/** SCAN on a node of a cluster, between two CLUSTER NODES. Values: the arguments of SCAN. */
export const scanOfNode: OperationType = {
  writes: false,
  maxPerCommand: 1,
  toCommand: (operations) => ({
    commands: [clusterNodes, { name: "scan", args: valuesOf(operations) }, clusterNodes],
  }),
};

/** The keys of slots on a node, between two CLUSTER NODES. Values: how many keys of each slot are wanted, and the slots. */
export const keysOfSlots: OperationType = {
  writes: false,
  maxPerCommand: 1,
  toCommand(operations) {
    const [limit = "", ...slots] = valuesOf(operations);
    const reads = slots.map((slot) => ({ name: "cluster", args: ["GETKEYSINSLOT", slot, limit] }));
    return { commands: [clusterNodes, ...reads, clusterNodes] };
  },
};

/** CLUSTER NODES: who serves which slots, as the asked node knows it. */
export const nodesOfCluster: OperationType = {
  writes: false,
  maxPerCommand: 1,
  toCommand: () => clusterNodes,
};

/** CLUSTER SLOTS and CLUSTER NODES, which the store asks for itself. */
export const clusterTopology: OperationType = {
  writes: false,
  isInternal: true,
  maxPerCommand: 1,
  toCommand: () => ({ commands: [{ name: "cluster", args: ["SLOTS"] }, clusterNodes] }),
};

const clusterNodes: SingleCommand = { name: "cluster", args: ["NODES"] };

/** INFO about the server itself. */
export const serverInfo: OperationType = {
  writes: false,
  maxPerCommand: 1,
  toCommand: () => ({ name: "info", args: ["server"] }),
};

/** Values: server keys, which need not be UTF-8; on a cluster of one slot. */
export const removeAll: OperationType = {
  writes: true,
  maxPerCommand: 1,
  toCommand: (operations) => ({ name: "unlink", args: valuesOf(operations) }),
};

function unbatched(name: string, writes: boolean): OperationType {
  return {
    writes,
    maxPerCommand: 1,
    toCommand: (operations) => ({ name, args: keysAndValuesOf(operations) }),
  };
}

function scripted(script: Script): OperationType {
  return {
    writes: true,
    maxPerCommand: maxBatched,
    toCommand: (operations) => runScript(script, operations),
    splitReply: splitScriptReply,
  };
}

function runScript(script: Script, operations: readonly Operation[]): Command {
  return { script, keys: keysOf(operations), args: valuesOf(operations) };
}

/** Splits the reply of a script, in which the error of a key is an array of one text. */
function splitScriptReply(reply: unknown): readonly unknown[] {
  return (reply as readonly unknown[]).map((answer) =>
    Array.isArray(answer) && answer.length === 1 ? refusedInScript(String(answer[0])) : answer,
  );
}

function keysOf(operations: readonly Operation[]): string[] {
  const keys: string[] = [];
  for (const { key } of operations) keys.push(key);
  return keys;
}

function valuesOf(operations: readonly Operation[]): Argument[] {
  return operations.flatMap(({ values }) => values);
}

function keysAndValuesOf(operations: readonly Operation[]): Argument[] {
  const all: Argument[] = [];
  for (const { key, values } of operations) all.push(key, ...values);
  return all;
}
