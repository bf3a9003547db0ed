import type { FullStore } from "@kv/core";
import type { Location } from "../location/location.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { ExitCode } from "../usage/exit-codes.ts";
import type { OptionName, Options } from "../usage/options.ts";

/** A command of `kv`. */
export interface Command {
  /** The operands as the help shows them: `STORE KEY`. */
  readonly operands: string;
  readonly summary: string;
  /** Further text for its help. */
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

  /** Finds out where the store is that an operand names. */
  locate(operand: string): Location;

  /**
   * Opens a namespace of a store. It is closed when the command ends.
   *
   * @param mustExist refuses a folder that does not exist, instead of treating it as an empty store
   */
  open(location: Location, namespace: readonly string[], mustExist: boolean): Promise<FullStore>;

  /** Prints a line for people, on stderr. */
  printNotice(line: string): void;
}

/** Opens the store that the first operand names, at the namespace of the options. Returns the other operands, too. */
export async function openFirst(
  call: Call,
  mustExist: boolean = true,
): Promise<{ readonly store: FullStore; readonly rest: readonly string[]; readonly display: string }> {
  const [operand = "", ...rest] = call.operands;
  const location = call.locate(operand);
  const store = await call.open(location, call.options.namespace, mustExist);
  return { store, rest, display: location.display };
}
