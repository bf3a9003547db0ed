import type { Script } from "./scripts.ts";
import type { Argument, Link, ServerNode, Transport } from "./transport.ts";

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
  /** The node of a cluster that it must go to. */
  readonly node: ServerNode | undefined;
  /** The connection that it must go over, where it must. */
  readonly route: Route | undefined;
  onSettled: (() => void) | undefined = undefined;

  // Where it stands, as the sender has it.
  state: "waiting" | "sent" | "settled" = "waiting";
  /** When it is given up. */
  deadline: Deadline = never;
  /** Its neighbours among those that are not settled. */
  earlier: Step | undefined = undefined;
  later: Step | undefined = undefined;
  /** Not to be gathered with others. */
  alone = false;
  /** Whether it may be sent again after a lost connection; a write never is. */
  repeatable: boolean;

  constructor(
    kind: Kind,
    key: string,
    values: readonly Argument[],
    done: (answer: unknown) => void,
    failed: (error: unknown) => void,
    node?: ServerNode,
    route?: Route,
  ) {
    this.kind = kind;
    this.key = key;
    this.values = values;
    let bytes = 0;
    for (const value of values) bytes += value.length;
    this.bytes = bytes;
    this.done = done;
    this.failed = failed;
    this.node = node;
    this.route = route;
    this.repeatable = !kind.writes;
  }
}

/** Until when the steps of one tick are answered, or given up. It is set when the tick is over. */
export interface Deadline {
  ms: number;
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
  /** How many steps one command may take; 1 where each goes alone. */
  readonly atMost: number;
  /** Of one or more steps. */
  command(steps: readonly Step[]): Command;
  /** The answer to each of the steps, an `Error` where that one failed; the reply itself unless told. */
  answers?(reply: unknown, steps: readonly Step[]): readonly unknown[];
}

/** A command, a script with its keys and their arguments, or a question that the transport itself can answer. */
export type Command =
  | { readonly name: string; readonly args: readonly Argument[] }
  | { readonly script: Script; readonly keys: readonly string[]; readonly args: readonly Argument[] }
  | { ask(transport: Transport): unknown };

const never: Deadline = { ms: Number.POSITIVE_INFINITY };
