import type { ChildProcess } from "node:child_process";
import { StoreError, type StoreErrorCode } from "@kv/core";
import { guarded, time } from "@kv/core/driver";
import type {
  AnswerMessage,
  ChildMessage,
  ParentMessage,
  ReadyMessage,
  SentError,
} from "./process-messages.ts";

const longestIdleMs = 20_000;
const longestEndMs = 5_000;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** The calls that another process makes: sent in order, each answered once. */
export class ProcessCalls {
  readonly ready: Promise<ReadyMessage>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exit: Promise<number | undefined>;
  #ended = false;
  #lastId = 0;
  #lastHandle = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.ready = new Promise((resolve, reject) => {
      child.once(
        "message",
        guarded((message) => resolve(message as ReadyMessage)),
      );
      child.once("error", reject);
      child.once(
        "exit",
        guarded((code) => {
          reject(new Error(`The process ended, with exit code ${code}, before it served a store.`));
        }),
      );
    });
    this.#exit = new Promise((resolve) => {
      child.once(
        "exit",
        guarded((code) => {
          this.#ended = true;
          for (const waiting of this.#waiting.values()) waiting.reject(endedError());
          this.#waiting.clear();
          resolve(code ?? undefined);
        }),
      );
    });
    child.on(
      "message",
      guarded((message) => {
        const said = message as ChildMessage;
        if (said.kind === "answer") this.#settle(said);
      }),
    );
  }

  async call(handle: number, method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#ended) throw endedError();
    this.#lastId += 1;
    const id = this.#lastId;
    this.#send({ kind: "call", id, handle, method, args });
    return await new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** The handle of a namespace. */
  namespace(of: number, name: string): number {
    this.#lastHandle += 1;
    if (!this.#ended) this.#send({ kind: "namespace", handle: this.#lastHandle, of, name });
    return this.#lastHandle;
  }

  /** Ends the process, whose store was closed. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exitWithin(longestEndMs);
  }

  async endIdle(): Promise<number | undefined> {
    this.#send({ kind: "leave" });
    return await this.#exitWithin(longestIdleMs);
  }

  async #exitWithin(limitMs: number): Promise<number | undefined> {
    const timer = time.setTimeout(() => this.#child.kill("SIGKILL"), limitMs);
    const code = await this.#exit;
    time.clearTimeout(timer);
    return code;
  }

  #send(message: ParentMessage): void {
    // What cannot be sent any more is answered by the exit of the process.
    this.#child.send(message, () => undefined);
  }

  #settle({ id, answer, error }: AnswerMessage): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(own(answer));
    else waiting?.reject(received(error));
  }
}

/** A closed store answers so; its process has ended with it. */
function endedError(): StoreError {
  return new StoreError("KV_CLOSED", "the process that served the store has ended.");
}

/** An array that was received is a view into the message; its buffer becomes its own (S3). */
function own(answer: unknown): unknown {
  if (answer instanceof Uint8Array) return Uint8Array.from(answer);
  return Array.isArray(answer) ? answer.map(own) : answer;
}

function received({ name, message, code }: SentError): Error {
  if (code !== undefined) return new StoreError(code as StoreErrorCode, message);
  if (name === "TypeError") return new TypeError(message);
  return name === "RangeError" ? new RangeError(message) : new Error(`${name}: ${message}`);
}
