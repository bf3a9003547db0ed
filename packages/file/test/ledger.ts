/** What one writer has said: of each of its keys what was acknowledged last, and what was begun since. */
export class Ledger {
  /** The number of the set that was acknowledged last, 0 for a delete. */
  readonly #acknowledged = new Map<string, number>();
  readonly #begun = new Map<string, number>();
  readonly claims: [claim: string, by: string][] = [];
  readonly failures: string[] = [];
  incrementsBegun = 0;
  incrementsDone = 0;
  lines = 0;
  #rest = "";

  /** What came from the pipe. The last line may be cut off. */
  read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  keys(): Iterable<string> {
    return this.#begun.keys();
  }

  /** What a key may hold: the number of its set, 0 for nothing. */
  allowed(key: string): number[] {
    const acknowledged = this.#acknowledged.get(key) ?? 0;
    return [acknowledged, this.#begun.get(key) ?? acknowledged];
  }

  #line(line: string): void {
    this.lines += 1;
    const [verb, what, first = "", second = ""] = line.split(" ");
    if (verb === "failed") this.failures.push(line);
    if (verb === "claimed") this.claims.push([what ?? "", first]);
    if (what === "increment" && verb === "begin") this.incrementsBegun += 1;
    if (what === "increment" && verb === "done") this.incrementsDone += 1;
    if (what !== "set" && what !== "delete") return;
    const count = what === "set" ? Number(second) : 0;
    if (verb === "begin") this.#begun.set(first, count);
    if (verb === "done") this.#acknowledged.set(first, count);
  }
}

/** A value that tells its number, and whether it is whole. */
export function valueOf(count: number, length: number): string {
  return `${count} ${length} `.repeat(Math.ceil(length / 8)).slice(0, length);
}

/** The number of a value, or NaN where it is torn. */
export function countOf(value: Uint8Array): number {
  const text = Buffer.from(value).toString();
  const [count = "", length = ""] = text.split(" ", 2);
  return text === valueOf(Number(count), Number(length)) ? Number(count) : Number.NaN;
}
