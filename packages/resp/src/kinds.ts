import type { Buffer } from "node:buffer";
import { refusedInScript } from "./errors.ts";
import type { Argument, CommandName } from "./resp-client.ts";
import {
  compareAndDeleteScript,
  compareAndSetScript,
  incrementScript,
  renewScript,
  type Script,
  setScript,
} from "./scripts.ts";
import type { Command, Kind, Step } from "./step.ts";

/** Larger commands gain nothing, and hold up the server's other clients. */
const gathered = 64;

export const read: Kind = {
  writes: false,
  atMost: gathered,
  command: (steps) =>
    steps.length === 1
      ? { name: "getBuffer", args: keysOf(steps) }
      : { name: "mgetBuffer", args: keysOf(steps) },
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

/** Values: those of `incrementScript`. Each answer is a pair, whose first may be an error. */
export const increment: Kind = {
  ...scripted(incrementScript),
  answers(reply, steps) {
    const flat = answersOfScript(reply);
    return steps.map((_, at) => [flat[2 * at], flat[2 * at + 1]]);
  },
};

/** Values: those of `compareAndSetScript`. */
export const compareAndSet: Kind = scripted(compareAndSetScript);

/** Values: those of `compareAndDeleteScript`. */
export const compareAndDelete: Kind = scripted(compareAndDeleteScript);

/** Values: the arguments of SET after the key. */
export const writeIfAbsent: Kind = alone("set", true);

export const remove: Kind = alone("unlink", true);

export const take: Kind = alone("getdelBuffer", true);

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
  command: (steps) => ({ name: "scanBuffer", args: valuesOf(steps) }),
};

/** Values: server keys, which need not be UTF-8; on a cluster of one slot. */
export const removeAll: Kind = {
  writes: true,
  atMost: 1,
  command: (steps) => ({ name: "unlink", args: valuesOf(steps) }),
};

/** The client itself, once it is ready. */
export const readyClient: Kind = {
  writes: false,
  atMost: 1,
  command: () => ({ ask: (client) => client }),
};

function alone(name: CommandName, writes: boolean): Kind {
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
    Array.isArray(answer) && answer.length === 1 ? refusedInScript(String(answer[0] as Buffer)) : answer,
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
