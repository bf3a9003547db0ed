import type { Argument, CommandName, RespClient } from "./resp-client.ts";
import type { Script } from "./scripts.ts";

/** What one call wants of one key: it is sent alone, or gathered with others of its kind into one command. */
export class Step {
  readonly kind: Kind;
  /** The server's key; empty where there is none. */
  readonly key: string;
  /** What the kind makes arguments of, beside the key. */
  readonly values: readonly Argument[];
  readonly done: (answer: unknown) => void;
  readonly failed: (error: unknown) => void;
  /** The node of a cluster that it must go to. */
  readonly node: RespClient | undefined;
  onSettled: (() => void) | undefined = undefined;

  // Where it stands, as the sender has it.
  state: "waiting" | "sent" | "settled" = "waiting";
  /** When it is given up. */
  untilMs: number = Number.POSITIVE_INFINITY;
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
    node?: RespClient,
  ) {
    this.kind = kind;
    this.key = key;
    this.values = values;
    this.done = done;
    this.failed = failed;
    this.node = node;
    this.repeatable = !kind.writes;
  }
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

/** A command, a script with its keys and their arguments, or a question that the client itself can answer. */
export type Command =
  | { readonly name: CommandName; readonly args: readonly Argument[] }
  | { readonly script: Script; readonly keys: readonly string[]; readonly args: readonly Argument[] }
  | { ask(client: RespClient): unknown };
