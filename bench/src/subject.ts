/** A value in both forms: each subject takes the one that it is quickest with. */
export interface Sample {
  readonly text: string;
  readonly bytes: Buffer;
}

/** A store that is measured: what it can do, in calls as a person would write them. All are asynchronous. */
export interface Subject {
  get?(key: string): Promise<unknown>;
  set?(key: string, value: Sample): Promise<unknown>;
  /** For an hour. */
  setWithTtl?(key: string, value: Sample): Promise<unknown>;
  /** Reads, and moves the expiry to an hour from now. */
  renew?(key: string): Promise<unknown>;
  /** Moves the expiry to an hour from now, without reading. */
  touch?(key: string): Promise<unknown>;
  increment?(key: string): Promise<unknown>;
  /** Counts against a limit in a window of a minute: is there something left? */
  check?(key: string): Promise<unknown>;
  getMany?(keys: readonly string[]): Promise<unknown>;
  setMany?(entries: readonly (readonly [key: string, value: Sample])[]): Promise<unknown>;
  deleteAll?(): Promise<unknown>;
  close?(): Promise<unknown>;
}

const characters = 'abcdefghijklmnopqrstuvwxyz0123456789{}[]":,. ';

/** Text as JSON has it, all ASCII. */
export function sampleOf(length: number): Sample {
  const text = Array.from({ length }, (_, at) => characters[(at * 7 + (at >> 5)) % characters.length]).join(
    "",
  );
  return { text, bytes: Buffer.from(text) };
}
