import { guarded, inBackground } from "@kv/core/driver";
import { type ClientSource, Connection, inOneWrite } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { isDenied, isRefusal, notSent, refused, unanswered } from "./errors.ts";
import { Gathering } from "./gathering.ts";
import { read } from "./kinds.ts";
import { type Argument, type RespClient, sendCommand } from "./resp-client.ts";
import { ScriptCache } from "./script-cache.ts";
import { type Command, type Kind, Step } from "./step.ts";

/**
 * Sends steps and settles each, within `timeout`. What one tick asks for goes in one write, gathered into few
 * commands; steps on a key stay in order (S6), since all go through one connection, on a cluster one to each node.
 * A write is sent once, a read twice at most.
 */
export class Sender {
  readonly #connection: Connection;
  readonly #deadlines: Deadlines;
  readonly #gathering = new Gathering();
  readonly #scripts = new ScriptCache();
  #queue: Step[] = [];
  #scheduled = false;
  /** The deadline of what this tick asks for. */
  #untilMs: number | undefined;

  constructor(source: ClientSource, timeoutMs: number) {
    this.#connection = new Connection(source, timeoutMs, {
      ready: () => this.#flush(),
      failed: (cause) => this.#failWaiting(cause),
    });
    this.#deadlines = new Deadlines(timeoutMs, (steps) => this.#expire(steps));
  }

  /** Sends a step together with all others of this tick. */
  send(step: Step): void {
    if (this.#deadlines.allSettled) this.#connection.busy = true;
    this.#untilMs ??= this.#deadlines.nextMs();
    step.untilMs = this.#untilMs;
    this.#deadlines.add(step);
    this.#enqueue(step);
  }

  /** Sends a step for its answer. */
  ask(
    kind: Kind,
    key: string = "",
    values: readonly Argument[] = [],
    node?: RespClient,
    repeatable: boolean = !kind.writes,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const step = new Step(kind, key, values, resolve, reject, node);
      step.repeatable = repeatable;
      this.send(step);
    });
  }

  /** Lets go of the client, and settles all that is left. */
  async close(remainingMs: number): Promise<void> {
    const closed = this.#connection.close(remainingMs);
    this.#deadlines.expireAll();
    await closed;
  }

  #enqueue(step: Step): void {
    this.#queue.push(step);
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#inOneTick);
  }

  readonly #inOneTick = guarded(() => {
    this.#scheduled = false;
    this.#untilMs = undefined;
    this.#flush();
  });

  #flush(): void {
    if (this.#queue.length === 0) return;
    const client = this.#connection.readyClient;
    if (client === undefined) {
      this.#connection.awaitReady();
      return;
    }
    const steps = this.#queue;
    this.#queue = [];
    if (steps.length === 1) {
      this.#sendGroup(client, steps);
      return;
    }
    // On a cluster the keys of a command would have to be of one slot, and few are.
    const groups = client.isCluster === true ? steps.map((step) => [step]) : this.#gathering.gather(steps);
    inOneWrite(client, () => {
      for (const group of groups) this.#sendGroup(client, group);
    });
  }

  /** Sends steps of one kind in one command. */
  #sendGroup(client: RespClient, steps: readonly Step[]): void {
    const [first] = steps;
    if (first === undefined) return;
    for (const step of steps) step.state = "sent";
    const { kind, node = client } = first;
    inBackground(() =>
      this.#ask(node, kind.command(steps)).then(
        (reply) => {
          const answers = kind.answers === undefined ? [reply] : kind.answers(reply, steps);
          for (let at = 0; at < steps.length; at += 1) this.#answered(steps[at] as Step, answers[at]);
        },
        (error: unknown) => {
          // Of what was refused as a whole nothing was done; some of it may be allowed by itself.
          const apart = steps.length > 1 && isDenied(error);
          for (const step of steps) {
            step.alone ||= apart;
            if (apart) this.#again(step);
            else this.#failed(step, error);
          }
        },
      ),
    );
  }

  #ask(client: RespClient, command: Command): Promise<unknown> {
    if ("name" in command) return sendCommand(client, command.name, command.args);
    if ("ask" in command) return Promise.resolve(command.ask(client));
    return this.#scripts.run(client, command.script, command.keys, command.args);
  }

  #answered(step: Step, answer: unknown): void {
    if (step.state === "settled") return;
    if (answer instanceof Error) {
      this.#reject(step, answer);
      return;
    }
    if (step.kind === read) this.#gathering.saw(answer);
    this.#settle(step);
    step.done(answer);
  }

  #failed(step: Step, error: unknown): void {
    if (isRefusal(error)) {
      this.#reject(step, refused(error));
      return;
    }
    this.#connection.refreshSlots();
    if (step.repeatable) {
      step.repeatable = false;
      this.#again(step);
    } else this.#reject(step, unanswered(step.kind.writes, error));
  }

  #again(step: Step): void {
    if (step.state === "settled") return;
    step.state = "waiting";
    this.#enqueue(step);
  }

  /** There is no connection to be had: nothing that waits for one was sent. */
  #failWaiting(cause: unknown): void {
    const waiting = this.#queue;
    this.#queue = [];
    const error = notSent(cause);
    for (const step of waiting) this.#reject(step, error);
  }

  #expire(steps: readonly Step[]): void {
    const cause = new Error("There was no answer in time.");
    for (const step of steps) {
      this.#reject(step, step.state === "sent" ? unanswered(step.kind.writes, cause) : notSent(cause));
    }
    this.#queue = this.#queue.filter((step) => step.state === "waiting");
    this.#connection.drop();
    this.#connection.refreshSlots();
  }

  #reject(step: Step, error: unknown): void {
    if (step.state === "settled") return;
    this.#settle(step);
    step.failed(error);
  }

  #settle(step: Step): void {
    step.state = "settled";
    this.#deadlines.settled(step);
    if (this.#deadlines.allSettled) this.#connection.busy = false;
    step.onSettled?.();
  }
}
