import { realMs } from "../support/real-time.ts";

const mostLines = 40;

/** The calls of one case, in the order in which they were made: for the message of a failure, and for the report. */
export class CallRecorder {
  readonly #lines: { text: string }[] = [];
  #dropped = 0;
  #calls = 0;
  #longestCallMs = 0;
  #progress = 0;

  get calls(): number {
    return this.#calls;
  }

  get longestCallMs(): number {
    return this.#longestCallMs;
  }

  /** Counts all that has happened so far. Where it stays as it is, the case hangs. */
  get progress(): number {
    return this.#progress;
  }

  /** Writes down something that happened. */
  note(text: string): void {
    this.#add(text);
  }

  /** Writes down a call, and returns a function that completes its line, as often as more is known of the answer. */
  call(text: string): (answer: string) => void {
    const line = this.#add(text);
    return (answer) => {
      line.text = `${text} → ${answer}`;
    };
  }

  /** Measures a call, or the next step of a listing, until the function that it returns is called. */
  step(): () => void {
    const startedMs = realMs();
    this.#calls += 1;
    return () => {
      this.#progress += 1;
      this.#longestCallMs = Math.max(this.#longestCallMs, realMs() - startedMs);
    };
  }

  clear(): void {
    this.#lines.length = 0;
    this.#dropped = 0;
  }

  lines(): string[] {
    const lines = this.#lines.map(({ text }) => text);
    return this.#dropped === 0 ? lines : [`(${this.#dropped} earlier calls)`, ...lines];
  }

  #add(text: string): { text: string } {
    const line = { text };
    this.#progress += 1;
    this.#lines.push(line);
    if (this.#lines.length > mostLines) {
      this.#lines.shift();
      this.#dropped += 1;
    }
    return line;
  }
}
