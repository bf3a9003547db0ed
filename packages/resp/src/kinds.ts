import { Buffer } from "node:buffer";
import { addToInteger } from "@kv/core/driver";
import { refusedInScript } from "./errors.ts";
import {
  compareAndDeleteScript,
  compareAndSetScript,
  incrementScript,
  renewScript,
  type Script,
  setScript,
} from "./scripts.ts";
import type { Command, Kind, SingleCommand, Step } from "./step.ts";
import type { Argument } from "./transport.ts";

/** Larger commands gain nothing, and hold up the server's other clients. */
const gathered = 64;

export const read: Kind = {
  writes: false,
  atMost: gathered,
  command: (steps) =>
    steps.length === 1 ? { name: "get", args: keysOf(steps) } : { name: "mget", args: keysOf(steps) },
  answers: (reply, steps) => (steps.length === 1 ? [reply] : (reply as readonly unknown[])),
};

/** Values: the value. Removes an older expiry. */
export const write: Kind = {
  writes: true,
  atMost: gathered,
  command: (steps) => ({ name: steps.length === 1 ? "set" : "mset", args: keysAndValuesOf(steps) }),
  answers: (reply, steps) => steps.map(() => reply),
};

/** Values: the value, and the expiry of `setScript`. */
export const writeWithExpiry: Kind = {
  writes: true,
  atMost: gathered,
  command(steps) {
    const [
      {
        key,
        values: [value = "", expiry = ""],
      } = { key: "", values: [] },
    ] = steps;
    if (steps.length > 1) return inScript(setScript, steps);
    return { name: "set", args: expiry === "k" ? [key, value, "KEEPTTL"] : [key, value, "PX", expiry] };
  },
  answers: (reply, steps) => (steps.length === 1 ? [reply] : answersOfScript(reply)),
};

/** Values: those of `renewScript`. */
export const renew: Kind = scripted(renewScript);

/** Values: those of `incrementScript`. Each answer is the sum, and the milliseconds left. */
export const increment: Kind = {
  ...scripted(incrementScript),
  answers(reply, steps) {
    const flat = answersOfScript(reply);
    return steps.map(({ values: [by] }, at) => {
      const sum = flat[2 * at];
      const rest = flat[2 * at + 1];
      return sum instanceof Error ? (cannotAdd(rest, Number(by)) ?? sum) : [sum, rest];
    });
  },
};

/** What all stores say of a string that cannot be counted from, in the words that they share. */
function cannotAdd(held: unknown, by: number): Error | undefined {
  if (!Buffer.isBuffer(held)) return undefined;
  try {
    addToInteger(held, by);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Values: those of `compareAndSetScript`. */
export const compareAndSet: Kind = scripted(compareAndSetScript);

/** Values: those of `compareAndDeleteScript`. */
export const compareAndDelete: Kind = scripted(compareAndDeleteScript);

/** Values: the arguments of SET after the key. */
export const writeIfAbsent: Kind = alone("set", true);

export const remove: Kind = alone("unlink", true);

export const take: Kind = alone("getdel", true);

/**
 * For one call, where only the number counts: the first step of a command answers for all of it. Commands of two
 * calls must not be one.
 */
export function removeCounted(): Kind {
  return {
    writes: true,
    atMost: 512,
    command: (steps) => ({ name: "unlink", args: keysOf(steps) }),
    answers: (reply, steps) => steps.map((_, at) => (at === 0 ? reply : 0)),
  };
}

export const exists: Kind = alone("exists", false);

export const timeLeft: Kind = alone("pttl", false);

/** Values: the arguments of SCAN. */
export const scan: Kind = {
  writes: false,
  atMost: 1,
  command: (steps) => ({ name: "scan", args: valuesOf(steps) }),
};

/** The same of a cluster's node. Who served what comes first, and last. */
export const scanOfNode: Kind = {
  writes: false,
  atMost: 1,
  command: (steps) => ({ commands: [clusterNodes, { name: "scan", args: valuesOf(steps) }, clusterNodes] }),
};

/** Values: how many keys of each slot are wanted, and the slots. The same. */
export const keysOfSlots: Kind = {
  writes: false,
  atMost: 1,
  command(steps) {
    const [limit = "", ...slots] = valuesOf(steps);
    const reads = slots.map((slot) => ({ name: "cluster", args: ["GETKEYSINSLOT", slot, limit] }));
    return { commands: [clusterNodes, ...reads, clusterNodes] };
  },
};

/** Who serves what, as a node knows it. */
export const nodesOfCluster: Kind = { writes: false, atMost: 1, command: () => clusterNodes };

/** Who serves what: CLUSTER SLOTS and CLUSTER NODES. */
export const clusterMap: Kind = {
  writes: false,
  isQuestion: true,
  atMost: 1,
  command: () => ({ commands: [{ name: "cluster", args: ["SLOTS"] }, clusterNodes] }),
};

const clusterNodes: SingleCommand = { name: "cluster", args: ["NODES"] };

/** About the server itself. */
export const serverInfo: Kind = {
  writes: false,
  atMost: 1,
  command: () => ({ name: "info", args: ["server"] }),
};

/** Values: server keys, which need not be UTF-8; on a cluster of one slot. */
export const removeAll: Kind = {
  writes: true,
  atMost: 1,
  command: (steps) => ({ name: "unlink", args: valuesOf(steps) }),
};

function alone(name: string, writes: boolean): Kind {
  return { writes, atMost: 1, command: (steps) => ({ name, args: keysAndValuesOf(steps) }) };
}

function scripted(script: Script): Kind {
  return {
    writes: true,
    atMost: gathered,
    command: (steps) => inScript(script, steps),
    answers: answersOfScript,
  };
}

function inScript(script: Script, steps: readonly Step[]): Command {
  return { script, keys: keysOf(steps), args: valuesOf(steps) };
}

/** The error of a key stands in its place, as an array of one text. */
function answersOfScript(reply: unknown): readonly unknown[] {
  return (reply as readonly unknown[]).map((answer) =>
    Array.isArray(answer) && answer.length === 1 ? refusedInScript(String(answer[0])) : answer,
  );
}

function keysOf(steps: readonly Step[]): string[] {
  return steps.map(({ key }) => key);
}

function valuesOf(steps: readonly Step[]): Argument[] {
  return steps.flatMap(({ values }) => values);
}

function keysAndValuesOf(steps: readonly Step[]): Argument[] {
  const all: Argument[] = [];
  for (const { key, values } of steps) all.push(key, ...values);
  return all;
}
