/** Which command a fault waits for: its name, in any case, or a look at its name and arguments. */
export type CommandMatch = string | ((args: readonly string[]) => boolean);

/** A fault that strikes at the first command that matches, or at the first few. */
export interface Fault {
  readonly strike: "drop command" | "drop reply" | "cut reply" | "hold reply" | "answer";
  /** For `answer`: the reply. */
  readonly reply: Buffer;
  matches(args: readonly string[]): boolean;
  /** How often it is still to strike. */
  left: number;
  /** The fault has struck. */
  struck(): void;
  /** For `hold reply`: when the reply may go on. */
  readonly released: Promise<void>;
}

/** What all connections of a proxy look at. */
export interface Faults {
  armed: Fault[];
  /** Are told of every command, and of every reply. */
  readonly commandListeners: ((args: readonly string[]) => void)[];
  readonly replyListeners: ((args: readonly string[], reply: Buffer) => void)[];
  silent: boolean;
  /** New connections are taken and get nothing, ever. */
  muted: boolean;
  trickling: boolean;
}

/** Takes the first fault that waits for this command, off the list where it does not wait for another. */
export function takeFault(faults: Faults, args: readonly string[]): Fault | undefined {
  const fault = faults.armed.find((candidate) => candidate.matches(args));
  if (fault === undefined) return undefined;
  fault.left -= 1;
  if (fault.left <= 0) faults.armed = faults.armed.filter((other) => other !== fault);
  return fault;
}

/** Adds a fault; `struck` resolves once it has struck. */
export function armFault(
  faults: Faults,
  strike: Fault["strike"],
  match: CommandMatch,
  { times = 1, reply = "" }: { readonly times?: number; readonly reply?: string } = {},
): { struck: Promise<void>; release: () => void } {
  const struck = signal();
  const released = signal();
  const matches =
    typeof match === "function"
      ? match
      : (args: readonly string[]) => args[0]?.toUpperCase() === match.toUpperCase();
  faults.armed.push({
    strike,
    matches,
    left: times,
    reply: Buffer.from(reply),
    struck: struck.give,
    released: released.given,
  });
  return { struck: struck.given, release: released.give };
}

function signal(): { given: Promise<void>; give: () => void } {
  const held: { give?: () => void } = {};
  const given = new Promise<void>((resolve) => {
    held.give = resolve;
  });
  return { given, give: () => held.give?.() };
}
