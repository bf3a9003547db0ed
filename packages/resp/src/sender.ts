import { guarded, inBackground } from "@kv/core/driver";
import { Connection, type TransportSource } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import {
  isDemotion,
  isDenied,
  isNotSent,
  isRefusal,
  isUnknownScript,
  notReached,
  notSent,
  refused,
  unanswered,
} from "./errors.ts";
import { Gathering } from "./gathering.ts";
import { read } from "./kinds.ts";
import { ScriptCache } from "./script-cache.ts";
import { type Command, type Deadline, type Kind, type Route, RouteLostError, Step } from "./step.ts";
import type { Argument, ServerNode, Transport } from "./transport.ts";

/** What a step weighs: one, and one more for each of so many bytes. */
const bytesPerWeight = 1024;
/** Sent between two turns of the event loop: some milliseconds of work. */
const heaviestSlice = 4_096;
/**
 * Sent and not answered. What comes on top waits here, where it can still be given up as not sent. Not on a cluster: there
 * one node that is silent would keep the others waiting.
 */
const heaviestInFlight = 16_384;

/**
 * Sends steps and settles each, within `timeout`. What one tick asks for goes in one write, gathered into few
 * commands, or in slices where it is much; steps on a key stay in order (S6), since all go through one connection, on a
 * cluster one to each node. A write is sent once, a read twice at most.
 */
export class Sender {
  readonly #connection: Connection;
  readonly #deadlines: Deadlines;
  readonly #gathering = new Gathering();
  readonly #scripts = new ScriptCache();
  #queue: Step[] = [];
  #scheduled = false;
  /** Whether the next slice is on its way. */
  #slicing = false;
  /** What was sent and not answered weighs. */
  #inFlight = 0;
  /** The deadline of what this tick asks for. */
  #deadline: Deadline | undefined;

  constructor(source: TransportSource, timeoutMs: number) {
    this.#connection = new Connection(source, timeoutMs, {
      ready: (nowMs) => this.#flush(nowMs),
      failed: (cause) => this.#failWaiting(cause),
    });
    this.#deadlines = new Deadlines(timeoutMs, {
      bytesRead: () => this.#connection.bytesRead,
      expire: (steps) => this.#expire(steps),
      owesAnswer: () => this.#connection.owesAnswer,
      look: (nowMs) => this.#look(nowMs),
    });
  }

  /** Sends a step together with all others of this tick. */
  send(step: Step): void {
    if (this.#deadlines.allSettled) this.#connection.busy = true;
    this.#deadline ??= { ms: Number.POSITIVE_INFINITY };
    step.deadline = this.#deadline;
    this.#deadlines.add(step);
    this.#enqueue(step);
  }

  /** Sends a step for its answer. */
  ask(
    kind: Kind,
    key: string = "",
    values: readonly Argument[] = [],
    node?: ServerNode,
    route?: Route,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.send(new Step(kind, key, values, resolve, reject, node, route));
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
    const nowMs = this.#deadlines.nowMs();
    if (this.#deadline !== undefined) this.#deadlines.begin(this.#deadline, nowMs);
    this.#deadline = undefined;
    this.#flush(nowMs);
  });

  readonly #nextSlice = guarded(() => {
    this.#slicing = false;
    this.#flush();
  });

  /** Sends what there is, or the first slice of it. */
  #flush(nowMs: number = this.#deadlines.nowMs()): void {
    if (this.#queue.length === 0 || this.#slicing) return;
    const transport = this.#connection.readyTransport;
    if (transport === undefined) {
      this.#connection.awaitReady(nowMs);
      return;
    }
    const room = transport.isCluster ? heaviestSlice : heaviestInFlight - this.#inFlight;
    if (room <= 0) return;
    const steps = this.#takeSlice(nowMs, Math.min(room, heaviestSlice));
    if (this.#queue.length > 0) this.#sliceLater();
    this.#sendAll(transport, steps);
    if (this.#inFlight > 0) this.#connection.sent(nowMs);
  }

  /** Sends steps in as few commands as can be, and in one piece. */
  #sendAll(transport: Transport, steps: readonly Step[]): void {
    if (steps.length <= 1) {
      this.#sendGroup(transport, steps);
      return;
    }
    // On a cluster the keys of a command would have to be of one slot, and few are.
    const groups = transport.isCluster ? steps.map((step) => [step]) : this.#gathering.gather(steps);
    try {
      transport.inOneWrite(() => {
        for (const group of groups) this.#sendGroup(transport, group);
      });
    } catch (error) {
      const cause = notSent(error);
      for (const step of steps) if (isWaiting(step)) this.#reject(step, cause);
    }
  }

  /** Those who wait for a connection that is given up here wait for the next. */
  #look(nowMs: number): void {
    if (this.#connection.look(nowMs) && this.#queue.length > 0) this.#sliceLater();
  }

  #sliceLater(): void {
    if (this.#slicing) return;
    this.#slicing = true;
    setImmediate(this.#nextSlice);
  }

  /** Takes from the queue what goes now, but for what is too late, and is given up as not sent. */
  #takeSlice(nowMs: number, room: number): Step[] {
    let weight = 0;
    let count = 0;
    for (const step of this.#queue) {
      weight += weightOf(step);
      if (count > 0 && weight > room) break;
      count += 1;
    }
    const whole = count === this.#queue.length;
    const steps = whole ? this.#queue : this.#queue.splice(0, count);
    if (whole) this.#queue = [];
    const isWanted = (step: Step): boolean => isWaiting(step) && step.deadline.ms > nowMs;
    return steps.every(isWanted) ? steps : steps.filter(isWanted);
  }

  /** Sends steps of one kind in one command. */
  #sendGroup(transport: Transport, steps: readonly Step[]): void {
    const [first] = steps;
    if (first === undefined) return;
    if (first.route !== undefined) {
      const { link } = first.node ?? transport;
      if (first.route.link !== undefined && first.route.link !== link) {
        this.#reject(first, new RouteLostError());
        return;
      }
      first.route.link = link;
    }
    let weight = 0;
    for (const step of steps) {
      step.state = "sent";
      weight += weightOf(step);
    }
    this.#inFlight += weight;
    const { kind, node } = first;
    inBackground(() =>
      this.#ask(transport, kind.command(steps), node).then(
        (reply) => {
          this.#allAnswered(steps, reply);
          this.#landed(weight);
        },
        (error: unknown) => {
          this.#allFailed(transport, steps, error);
          this.#landed(weight);
        },
      ),
    );
  }

  #ask(transport: Transport, command: Command, node: ServerNode | undefined): Promise<unknown> {
    try {
      if ("name" in command) return transport.send(command.name, command.args, node);
      if ("ask" in command) return Promise.resolve(command.ask(transport));
      return this.#scripts.run(transport, command.script, command.keys, command.args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #allAnswered(steps: readonly Step[], reply: unknown): void {
    let answers: readonly unknown[];
    try {
      const { kind } = steps[0] as Step;
      answers = kind.answers === undefined ? [reply] : kind.answers(reply, steps);
      if (!Array.isArray(answers)) throw new TypeError("The answer to many is not an array.");
    } catch (error) {
      for (const step of steps) this.#failed(step, error); // no server of ours answers like this
      return;
    }
    for (let at = 0; at < steps.length; at += 1) this.#answered(steps[at] as Step, answers[at]);
  }

  #allFailed(transport: Transport, steps: readonly Step[], error: unknown): void {
    // Of what was refused as a whole nothing was done; some of it may be allowed by itself.
    const apart = steps.length > 1 && isDenied(error);
    const unknown = isUnknownScript(error);
    if (unknown) this.#scripts.forget(transport);
    for (const step of steps) {
      step.alone ||= apart;
      if (apart || unknown) this.#again(step);
      else this.#failed(step, error);
    }
  }

  #answered(step: Step, answer: unknown): void {
    if (step.state === "settled") return;
    if (answer instanceof Error) {
      if (isDemotion(answer)) this.#connection.demoted();
      this.#reject(step, answer);
      return;
    }
    if (step.kind === read) this.#gathering.saw(answer);
    this.#settle(step);
    try {
      step.done(answer);
    } catch (error) {
      step.failed(unanswered(step.kind.writes, error)); // no server of ours answers like this
    }
  }

  #failed(step: Step, error: unknown): void {
    if (isRefusal(error)) {
      if (isDemotion(error)) this.#connection.demoted();
      this.#reject(step, refused(error));
      return;
    }
    if (isNotSent(error)) {
      this.#reject(step, notSent(error));
      return;
    }
    this.#connection.refreshMasters();
    if (step.repeatable) {
      step.repeatable = false;
      this.#again(step);
    } else this.#reject(step, unanswered(step.kind.writes, error));
  }

  /** A command is over, so there is room for others. */
  #landed(weight: number): void {
    this.#inFlight -= weight;
    if (this.#inFlight === 0) this.#connection.drained();
    if (this.#queue.length > 0) this.#sliceLater();
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
    const late = {
      read: unanswered(false, cause),
      write: unanswered(true, cause),
      waiting: this.#connection.readyTransport === undefined ? notSent(cause) : notReached(),
    };
    for (const step of steps) {
      if (step.state === "waiting") this.#reject(step, late.waiting);
      else this.#reject(step, step.kind.writes ? late.write : late.read);
    }
    this.#queue = this.#queue.filter(isWaiting);
    this.#connection.refreshMasters();
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

function isWaiting(step: Step): boolean {
  return step.state === "waiting";
}

function weightOf(step: Step): number {
  return 1 + Math.floor(step.bytes / bytesPerWeight);
}
