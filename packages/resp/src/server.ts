import { guarded, inBackground } from "@kv/core/driver";
import { Connection, type TransportSource } from "./connection.ts";
import { isDenied, isRefusal, isUnknownScript, notReached, notSent } from "./errors.ts";
import { Gathering } from "./gathering.ts";
import { read } from "./kinds.ts";
import { ScriptCache } from "./script-cache.ts";
import { type Command, type Holder, RouteLostError, type Step } from "./step.ts";
import type { Transport } from "./transport.ts";

/** What a step weighs: one, and one more for each of so many bytes. */
const bytesPerWeight = 1024;
/** Sent between two turns of the event loop: some milliseconds of work. */
const heaviestSlice = 4_096;
/** Sent and not answered. What comes on top waits here, where it can still be given up as not sent. */
const heaviestInFlight = 16_384;

/** What becomes of the steps of a server. */
export interface Outcomes {
  /** It was answered; an `Error` where it failed within a command that did not. */
  answered(step: Step, answer: unknown, server: Server): void;
  /** It was refused, not sent or not answered, as the error says. */
  failed(step: Step, error: unknown, server: Server): void;
  /** It is to be sent again: nothing was done. */
  again(step: Step): void;
  /** None of these was sent, since the server cannot be reached. */
  unreached(steps: readonly Step[], cause: unknown, server: Server): void;
}

export interface ServerPlan {
  /** Where it is, as a cluster announces it; empty where there is no other. */
  readonly address: string;
  readonly source: TransportSource;
  readonly timeoutMs: number;
  /** Whether steps on several keys may go in one command; not on a cluster, where few keys are of one slot. */
  readonly gathers: boolean;
  /** Now, by a clock that stands still with the event loop. */
  nowMs(): number;
}

/**
 * One server, and the steps that are with it. What one tick asks for goes in one write, gathered into few commands, or
 * in slices where it is much; steps on a key stay in order (S6), since all go through one connection.
 */
export class Server implements Holder {
  readonly address: string;
  readonly #plan: ServerPlan;
  readonly #outcomes: Outcomes;
  readonly #connection: Connection;
  readonly #gathering = new Gathering();
  readonly #scripts = new ScriptCache();
  /** How many of the steps that are here hold the process. */
  #holding = 0;
  #queue: Step[] = [];
  /** Whether the next slice is on its way. */
  #slicing = false;
  /** What was sent and not answered weighs. */
  #inFlight = 0;
  #isRetired = false;

  constructor(plan: ServerPlan, outcomes: Outcomes) {
    this.address = plan.address;
    this.#plan = plan;
    this.#outcomes = outcomes;
    this.#connection = new Connection(plan.source, plan.timeoutMs, {
      ready: (nowMs) => this.flush(nowMs),
      failed: (cause) => this.#failWaiting(cause),
    });
  }

  /** Whether it can be sent to. */
  get isReady(): boolean {
    return this.#connection.readyTransport !== undefined;
  }

  /** Whether steps wait for its connection. */
  get isAwaited(): boolean {
    return this.#queue.length > 0 && !this.isReady;
  }

  get bytesRead(): number {
    return this.#connection.bytesRead;
  }

  get owesAnswer(): boolean {
    return this.#connection.owesAnswer;
  }

  /** Takes a step, to be sent by the next `flush`. */
  add(step: Step): void {
    step.holder = this;
    step.state = "waiting";
    this.#isRetired = false;
    this.#queue.push(step);
    if (step.holdsProcess) this.#addHolding(1);
  }

  released(step: Step): void {
    step.holder = undefined;
    step.asking = false;
    if (step.holdsProcess) this.#addHolding(-1);
    this.#closeIfDone();
  }

  holdProcess(step: Step, hold: boolean): void {
    if (step.holdsProcess === hold) return;
    step.holdsProcess = hold;
    this.#addHolding(hold ? 1 : -1);
    if (hold) this.flushLater(); // an attempt to connect that nobody waited for was given up
  }

  /** Gives back the steps that may go to another server: they were not sent. */
  takeBack(): Step[] {
    const isBound = ({ destination }: Step): boolean => destination.address !== undefined;
    const steps = this.#queue.filter((step) => isWaiting(step) && !isBound(step));
    this.#queue = this.#queue.filter(isBound);
    for (const step of steps) this.released(step);
    return steps;
  }

  /** Sends what there is, or the first slice of it. */
  flush(nowMs: number = this.#plan.nowMs()): void {
    if (this.#queue.length === 0 || this.#slicing) return;
    const transport = this.#connection.readyTransport;
    if (transport === undefined) {
      this.#connection.awaitReady(nowMs);
      return;
    }
    const room = heaviestInFlight - this.#inFlight;
    if (room <= 0) return;
    const steps = this.#takeSlice(nowMs, Math.min(room, heaviestSlice));
    if (this.#queue.length > 0) this.flushLater();
    this.#sendAll(transport, steps);
    if (this.#inFlight > 0) this.#connection.sent(nowMs);
  }

  /** Sends what there is in the next turn of the event loop. */
  flushLater(): void {
    if (this.#slicing) return;
    this.#slicing = true;
    setImmediate(this.#nextSlice);
  }

  /** Gives up a connection that has been silent for too long. Those who wait for it wait for the next. */
  look(nowMs: number): void {
    if (this.#connection.look(nowMs) && this.#queue.length > 0) this.flushLater();
  }

  /** It takes no writes any more: its place was taken by another one. */
  demoted(): void {
    this.#connection.demoted();
  }

  /** Lets go of the steps that were given up meanwhile. */
  forgetSettled(): void {
    this.#queue = this.#queue.filter(isWaiting);
  }

  /** Why a step that waits here was not sent in time. */
  reasonOfWaiting(cause: unknown): unknown {
    return this.isReady ? notReached() : notSent(cause);
  }

  /** Whether it is retired, and nothing is here any more. */
  get isResting(): boolean {
    return this.#isRetired && this.#queue.length === 0 && this.#inFlight === 0;
  }

  /** Closes its connection once nothing is here any more, unless more comes. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIfDone();
  }

  close(remainingMs: number): Promise<void> {
    return this.#connection.close(remainingMs);
  }

  #addHolding(change: number): void {
    this.#holding += change;
    if (this.#holding === 0) this.#connection.busy = false;
    else if (change === 1 && this.#holding === 1) this.#connection.busy = true;
  }

  #closeIfDone(): void {
    if (this.isResting) this.#connection.rest();
  }

  readonly #nextSlice = guarded(() => {
    this.#slicing = false;
    this.flush();
  });

  /** Sends steps in as few commands as can be, and in one piece. */
  #sendAll(transport: Transport, steps: readonly Step[]): void {
    if (steps.length === 0) return;
    const groups = this.#plan.gathers ? this.#gathering.gather(steps) : steps.map((step) => [step]);
    if (groups.length === 1) {
      this.#sendGroup(transport, steps);
      return;
    }
    try {
      transport.inOneWrite(() => {
        for (const group of groups) this.#sendGroup(transport, group);
      });
    } catch (error) {
      const cause = notSent(error);
      for (const step of steps) if (isWaiting(step)) this.#outcomes.failed(step, cause, this);
    }
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
    const { kind } = first;
    const { route } = first.destination;
    if (route !== undefined) {
      const { link } = transport;
      if (route.link !== undefined && route.link !== link) {
        this.#outcomes.failed(first, new RouteLostError(), this);
        return;
      }
      route.link = link;
    }
    let weight = 0;
    for (const step of steps) {
      step.state = "sent";
      weight += weightOf(step);
    }
    this.#inFlight += weight;
    const { asking } = first;
    first.asking = false;
    inBackground(() =>
      this.#ask(transport, kind.command(steps), asking).then(
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

  #ask(transport: Transport, command: Command, asking: boolean): Promise<unknown> {
    try {
      if (asking) return inOneWrite(transport, () => this.#askNext(transport, command));
      if ("name" in command) return transport.send(command.name, command.args);
      if ("script" in command)
        return this.#scripts.run(transport, command.script, command.keys, command.args);
      return inOneWrite(transport, () =>
        Promise.all(command.commands.map(({ name, args }) => transport.send(name, args))),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Asks a node for a key whose slot is on its way there. One that does not let itself be asked refers elsewhere. */
  async #askNext(transport: Transport, command: Command): Promise<unknown> {
    const refusal = transport.send("asking", []).then(
      () => undefined,
      (error: unknown) => error,
    );
    try {
      return await this.#ask(transport, command, false);
    } catch (error) {
      throw isRefusal(error) ? ((await refusal) ?? error) : error;
    }
  }

  #allAnswered(steps: readonly Step[], reply: unknown): void {
    let answers: readonly unknown[];
    const { kind } = steps[0] as Step;
    try {
      answers = kind.answers === undefined ? [reply] : kind.answers(reply, steps);
      if (!Array.isArray(answers)) throw new TypeError("The answer to many is not an array.");
    } catch (error) {
      for (const step of steps) this.#outcomes.failed(step, error, this); // no server of ours answers like this
      return;
    }
    for (let at = 0; at < steps.length; at += 1) {
      const step = steps[at] as Step;
      if (kind === read && step.state !== "settled") this.#gathering.saw(answers[at]);
      this.#outcomes.answered(step, answers[at], this);
    }
  }

  #allFailed(transport: Transport, steps: readonly Step[], error: unknown): void {
    // Of what was refused as a whole nothing was done; some of it may be allowed by itself.
    const apart = steps.length > 1 && isDenied(error);
    const unknown = isUnknownScript(error);
    if (unknown) this.#scripts.forget(transport);
    for (const step of steps) {
      step.alone ||= apart;
      if (apart || unknown) this.#outcomes.again(step);
      else this.#outcomes.failed(step, error, this);
    }
  }

  /** A command is over, so there is room for others. */
  #landed(weight: number): void {
    this.#inFlight -= weight;
    if (this.#inFlight === 0) this.#connection.drained();
    if (this.#queue.length > 0) this.flushLater();
    this.#closeIfDone();
  }

  /** There is no connection to be had: nothing that waits for one was sent. */
  #failWaiting(cause: unknown): void {
    const waiting = this.#queue.filter(isWaiting);
    this.#queue = [];
    if (waiting.length > 0) this.#outcomes.unreached(waiting, cause, this);
  }
}

function inOneWrite<T>(transport: Transport, write: () => T): T {
  let written: { readonly result: T } | undefined;
  transport.inOneWrite(() => {
    written = { result: write() };
  });
  return (written as unknown as { readonly result: T }).result;
}

export function isWaiting(step: Step): boolean {
  return step.state === "waiting";
}

function weightOf(step: Step): number {
  return 1 + Math.floor(step.bytes / bytesPerWeight);
}
