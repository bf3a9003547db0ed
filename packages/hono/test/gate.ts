/** A place where something waits until a test lets it go on, and which a test can wait to see reached. */
export interface Gate {
  /** Resolves once as many wait as the gate was made for. */
  readonly reached: Promise<void>;
  pass(): Promise<void>;
  open(): void;
}

export function newGate(expected: number = 1): Gate {
  let missing = expected;
  let reach = (): void => {};
  let open = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    pass() {
      missing -= 1;
      if (missing === 0) reach();
      return opened;
    },
    open: () => open(),
  };
}
