import type { Script } from "./scripts.ts";
import type { Argument, Link } from "./transport.ts";

/** What one call wants of one key: it is sent alone, or gathered with others of its kind into one command. */
export class Step {
  readonly kind: Kind;
  /** The server's key; empty where there is none. */
  readonly key: string;
  /** What the kind makes arguments of, beside the key. */
  readonly values: readonly Argument[];
  /** About how many bytes the values have. */
  readonly bytes: number;
  readonly done: (answer: unknown) => void;
  readonly failed: (error: unknown) => void;
  /** Where it must go, where its key alone does not say so. */
  readonly destination: Destination;
  onSettled: (() => void) | undefined = undefined;

  // Where it stands, as the sender has it.
  state: "waiting" | "sent" | "settled" = "waiting";
  /** Grows from step to step. */
  sequence = 0;
  /** When it is given up. */
  deadline: Deadline = never;
  /** Its neighbours among those that are not settled. */
  earlier: Step | undefined = undefined;
  later: Step | undefined = undefined;
  /** Not to be gathered with others. */
  alone = false;
  /** Whether it may be sent again after a lost connection; a write never is. */
  repeatable: boolean;
  /** The server with which it is: it waits there to be sent, or to be answered. */
  holder: Holder | undefined = undefined;
  /** Whether the process lives until it is settled. */
  holdsProcess = true;
  /** Whether it goes to a node that does not serve its slot yet. */
  asking = false;
  /** How often a cluster has sent it on. */
  redirections = 0;
  /** Why it was not done so far, where it is to be tried again. */
  reason: unknown = undefined;

  constructor(
    kind: Kind,
    key: string,
    values: readonly Argument[],
    done: (answer: unknown) => void,
    failed: (error: unknown) => void,
    destination: Destination = anywhere,
  ) {
    this.kind = kind;
    this.key = key;
    this.values = values;
    let bytes = 0;
    for (const value of values) bytes += value.length;
    this.bytes = bytes;
    this.done = done;
    this.failed = failed;
    this.destination = destination;
    this.repeatable = !kind.writes;
  }
}

/** Until when the steps of one tick are answered, or given up. It is set when the tick is over. */
export interface Deadline {
  ms: number;
}

/** Where a step must go. */
export interface Destination {
  /** The node of a cluster, by its address. */
  readonly address?: string | undefined;
  /** The slot in which its keys lie, where that is not its key's. */
  readonly slot?: number | undefined;
  /** The connection that it must go over. */
  readonly route?: Route | undefined;
}

const anywhere: Destination = {};

/** Has steps, until each is settled or goes elsewhere. */
export interface Holder {
  /** It has a step no longer. */
  released(step: Step): void;
  /** Why a step that waits there was not sent in time. */
  reasonOfWaiting(cause: unknown): unknown;
  /** Decides whether one of its steps keeps the process alive. */
  holdProcess(step: Step, hold: boolean): void;
}

/** A connection: that which the first step of a route goes over, and from then on no other. */
export interface Route {
  link: Link | undefined;
}

/** The connection that a step must go over is there no more, so it was not sent. */
export class RouteLostError extends Error {
  override readonly name = "RouteLostError";
}

/** One kind of step, and how the server is asked for it. */
export interface Kind {
  readonly writes: boolean;
  /** Whether the store asks it for itself, so that no caller waits. */
  readonly isQuestion?: boolean;
  /** How many steps one command may take; 1 where each goes alone. */
  readonly atMost: number;
  /** Of one or more steps. */
  command(steps: readonly Step[]): Command;
  /** The answer to each of the steps, an `Error` where that one failed; the reply itself unless told. */
  answers?(reply: unknown, steps: readonly Step[]): readonly unknown[];
}

/** A command, a script with its keys and their arguments, or commands that go together, one right after the other. */
export type Command =
  | SingleCommand
  | { readonly script: Script; readonly keys: readonly string[]; readonly args: readonly Argument[] }
  | { readonly commands: readonly SingleCommand[] };

export interface SingleCommand {
  readonly name: string;
  readonly args: readonly Argument[];
}

const never: Deadline = { ms: Number.POSITIVE_INFINITY };
