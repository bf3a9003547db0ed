import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Contender } from "./measure.ts";
import { type Case, workFor } from "./operations.ts";
import { pinClient } from "./pinning.ts";
import type { Subject } from "./subject.ts";
import type { Work } from "./work.ts";

/** What is measured, by name: each is opened in a process of its own, the first is what the others are held against. */
export type Subjects = Readonly<Record<string, (target: string) => Subject | Promise<Subject>>>;

/**
 * A subject in a process of its own, as it would be in a program that uses nothing else: the compiler has seen no other
 * store, and the heap holds nothing of theirs.
 */
export class SubjectProcess implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;

  constructor(module: URL, name: string, target: string) {
    this.name = name;
    this.#child = fork(module, [name, target], { execArgv: ["--expose-gc"] });
    if (target.includes("://")) pinClient(this.#child.pid);
  }

  /** `undefined` where it cannot do the operation. */
  async prepare(measured: Case, sliceMs: number): Promise<Contender | undefined> {
    const able = await this.#ask({ prepare: measured, sliceMs });
    return able === true ? { name: this.name, rate: async () => Number(await this.#ask("rate")) } : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask("close");
    this.#child.disconnect();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
  }

  async #ask(question: Question): Promise<unknown> {
    const answered = once(this.#child, "message");
    this.#child.send(question);
    const [{ answer, error }] = (await answered) as [Answer];
    if (error !== undefined) throw new Error(`${this.name}: ${error}`);
    return answer;
  }
}

/** A call that waits for a server is made too seldom for its code to be compiled within the first slices. */
const warmUpMs = 1_000;

/** Called by a module of subjects: where it was started by a `SubjectProcess`, does what that asks for. */
export function serveSubject(subjects: Subjects): void {
  const [name = "", target = ""] = process.argv.slice(2);
  const open = subjects[name];
  if (process.send === undefined || open === undefined) return;
  let subject: Promise<Subject> | undefined;
  let work: Work | undefined;

  async function openedAndWarm(): Promise<Subject> {
    const opened = await (open?.(target) as Subject | Promise<Subject>);
    for (const operation of ["get hit", "set"] as const) {
      const warmUp = await workFor(opened, { operation, size: "100 B", concurrency: 1 }, warmUpMs / 10);
      for (let pass = 0; pass < 10; pass += 1) await warmUp?.();
    }
    return opened;
  }

  async function answer(question: Question): Promise<unknown> {
    subject ??= openedAndWarm();
    const opened = await subject;
    if (question === "rate") {
      collectGarbage();
      return work?.();
    }
    if (question === "close") return opened.close?.().then(() => undefined);
    await opened.deleteAll?.();
    work = await workFor(opened, question.prepare, question.sliceMs);
    return work !== undefined;
  }

  process.on("disconnect", () => process.exit()); // the parent is gone
  process.on("message", (question: Question) => {
    answer(question).then(
      (given) => process.send?.({ answer: given }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
}

type Question = { readonly prepare: Case; readonly sliceMs: number } | "rate" | "close";

interface Answer {
  readonly answer?: unknown;
  readonly error?: string;
}

/** What the preparation left behind is not part of what is measured. */
function collectGarbage(): void {
  (globalThis as { gc?: (options?: { type: "minor" }) => void }).gc?.({ type: "minor" });
}
