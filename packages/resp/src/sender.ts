import { isStoreError } from "@kv/core";
import { guarded } from "@kv/core/driver";
import { Cluster } from "./cluster/cluster.ts";
import type { TransportSource } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import {
  isDemotion,
  isNotSent,
  isRefusal,
  needsWholeCluster,
  notSent,
  redirectionOf,
  refused,
  unanswered,
} from "./errors.ts";
import { type Router, SingleServer } from "./router.ts";
import { type Outcomes, Server } from "./server.ts";
import { type Deadline, type Destination, type Kind, RouteLostError, Step } from "./step.ts";
import type { Argument, ClusterTransport } from "./transport.ts";

/** What leads to the server, or to a cluster. */
export type SenderSource = TransportSource | { readonly cluster: ClusterTransport; readonly close: boolean };

/**
 * Sends steps and settles each, within `timeout`: the steps of one tick together. A write is sent once, and again only
 * where it was refused; a read twice at most, and the same.
 */
export class Sender {
  /** There where the servers are a cluster. */
  readonly cluster: Cluster | undefined;
  readonly #deadlines: Deadlines;
  readonly #router: Router;
  #tick: Step[] = [];
  #scheduled = false;
  /** The deadline of what this tick asks for. */
  #deadline: Deadline | undefined;
  /** How many steps have been sent, ever. */
  #sequence = 0;
  /** How many steps callers wait for. */
  #awaited = 0;

  constructor(source: SenderSource, timeoutMs: number) {
    this.#deadlines = new Deadlines(timeoutMs, {
      bytesRead: () => this.#sumOver(({ bytesRead }) => bytesRead),
      expire: (steps) => this.#expire(steps),
      owesAnswer: () => this.#anyOf(({ owesAnswer }) => owesAnswer),
      look: (nowMs) => this.#look(nowMs),
    });
    const outcomes: Outcomes = {
      answered: (step, answer, server) => this.#answered(step, answer, server),
      failed: (step, error, server) => this.#failed(step, error, server),
      again: (step) => this.#again(step),
      unreached: (steps, cause, server) => this.#router.unreached(steps, cause, server),
    };
    const nowMs = (): number => this.#deadlines.nowMs();
    const reject = (step: Step, error: unknown): void => this.#reject(step, error);
    if ("cluster" in source) {
      this.cluster = new Cluster(source, {
        serverAt: (address, open) =>
          new Server({ address, source: { open }, timeoutMs, gathers: false, nowMs }, outcomes),
        send: (step) => this.send(step),
        reject,
        nowMs,
        timeoutMs,
      });
      this.#router = this.cluster;
    } else {
      const server = new Server({ address: "", source, timeoutMs, gathers: true, nowMs }, outcomes);
      this.#router = new SingleServer(server, reject);
    }
  }

  /** Sends a step together with all others of this tick. */
  send(step: Step): void {
    if (step.kind.isQuestion !== true) this.#awaited += 1;
    this.#sequence += 1;
    step.sequence = this.#sequence;
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
    destination?: Destination,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.send(new Step(kind, key, values, resolve, reject, destination));
    });
  }

  /** Lets go of the client, and settles all that is left. */
  async close(remainingMs: number): Promise<void> {
    const closed = this.#router.close(remainingMs);
    this.#deadlines.expireAll();
    await closed;
  }

  #enqueue(step: Step): void {
    this.#tick.push(step);
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#inOneTick);
  }

  readonly #inOneTick = guarded(() => {
    this.#scheduled = false;
    const nowMs = this.#deadlines.nowMs();
    if (this.#deadline !== undefined) this.#deadlines.begin(this.#deadline, nowMs);
    this.#deadline = undefined;
    const steps = this.#tick;
    this.#tick = [];
    this.#router.distribute(steps, nowMs);
  });

  #answered(step: Step, answer: unknown, server: Server): void {
    if (step.state === "settled") return;
    if (answer instanceof Error) {
      if (isDemotion(answer)) server.demoted();
      this.#reject(step, answer);
      return;
    }
    this.#settle(step);
    try {
      step.done(answer);
    } catch (error) {
      step.failed(unanswered(step.kind.writes, error)); // no server of ours answers like this
    }
  }

  #failed(step: Step, error: unknown, server: Server): void {
    if (step.state === "settled") return;
    if (error instanceof RouteLostError || isStoreError(error)) this.#reject(step, error);
    else if (isRefusal(error)) this.#refused(step, error, server);
    else if (isNotSent(error)) this.#reject(step, notSent(error));
    else this.#unanswered(step, error);
  }

  #refused(step: Step, error: unknown, server: Server): void {
    if (isDemotion(error)) server.demoted();
    if (this.#router.redirects(step, error, server)) return;
    const isLost = this.cluster === undefined && redirectionOf(error)?.address !== undefined;
    this.#reject(step, isLost ? needsWholeCluster(error) : refused(error));
  }

  #unanswered(step: Step, error: unknown): void {
    this.#router.lost();
    if (step.repeatable) {
      step.repeatable = false;
      this.#again(step);
    } else this.#reject(step, unanswered(step.kind.writes, error));
  }

  #again(step: Step): void {
    if (step.state === "settled") return;
    step.holder?.released(step);
    step.state = "waiting";
    this.#enqueue(step);
  }

  #look(nowMs: number): void {
    for (const server of this.#router.servers) server.look(nowMs);
    this.#router.look();
  }

  #expire(steps: readonly Step[]): void {
    const reasons = new Map<unknown, unknown>(); // an error costs more than a call
    for (const step of steps) {
      const key = groundOf(step);
      if (!reasons.has(key)) reasons.set(key, reasonOf(step));
      this.#reject(step, reasons.get(key));
    }
    for (const server of this.#router.servers) server.forgetSettled();
    this.#router.forgetSettled();
    this.#router.lost();
  }

  #reject(step: Step, error: unknown): void {
    if (step.state === "settled") return;
    this.#settle(step);
    step.failed(error);
  }

  #settle(step: Step): void {
    step.state = "settled";
    this.#deadlines.settled(step);
    step.holder?.released(step);
    if (step.kind.isQuestion !== true) this.#awaited -= 1;
    if (this.#awaited === 0) this.#router.idle();
    step.onSettled?.();
  }

  #sumOver(figure: (server: Server) => number): number {
    let sum = 0;
    for (const server of this.#router.servers) sum += figure(server);
    return sum;
  }

  #anyOf(is: (server: Server) => boolean): boolean {
    for (const server of this.#router.servers) if (is(server)) return true;
    return false;
  }
}

/** What the steps that are given up for the same reason share. */
function groundOf({ state, kind, reason, holder }: Step): unknown {
  return state === "sent" ? kind.writes : (holder ?? reason);
}

/** Why a step was not answered in time. */
function reasonOf({ state, kind, reason, holder }: Step): unknown {
  const cause = new Error("There was no answer in time.");
  if (state === "sent") return unanswered(kind.writes, cause);
  return holder === undefined ? notSent(reason ?? cause) : holder.reasonOfWaiting(cause);
}
