import type { FullStore } from "@kv/core";
import type { ExitCode } from "./exit-codes.ts";
import type { Location } from "./location.ts";
import type { OptionName, Options } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** A command of `kv`. */
export interface Command {
  /** What follows its name, as the help shows it: `STORE KEY`. The first word of each is an argument's name. */
  readonly operands: string;
  readonly summary: string;
  /** What its help says beyond that. */
  readonly details?: string;
  /** The fewest and the most operands. */
  readonly count: readonly [fewest: number, most: number];
  readonly options: readonly OptionName[];
  run(call: Call): Promise<ExitCode>;
}

/** One call of a command. */
export interface Call {
  readonly operands: readonly string[];
  readonly options: Options;
  readonly terminal: Terminal;

  /** Where the store is that an operand names. */
  locate(operand: string): Location;

  /**
   * Opens a namespace of a store; it is closed when the command ends.
   *
   * @param mustBeThere refuses a folder that does not exist, where it would only be found empty
   */
  open(location: Location, namespace: readonly string[], mustBeThere: boolean): Promise<FullStore>;

  /** Tells people something, on stderr. */
  tell(line: string): void;
}

/** Opens the store that a command's first operand names, at the namespace of its options, and gives the rest. */
export async function openFirst(
  call: Call,
  mustBeThere: boolean = true,
): Promise<{ readonly store: FullStore; readonly rest: readonly string[]; readonly shown: string }> {
  const [operand = "", ...rest] = call.operands;
  const location = call.locate(operand);
  const store = await call.open(location, call.options.namespace, mustBeThere);
  return { store, rest, shown: location.shown };
}
