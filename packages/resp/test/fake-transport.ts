import type { Argument, Link, Transport, TransportEvents, TransportState } from "@kv/resp";

/** Answers commands as a server. */
export type Responder = (name: string, args: readonly Argument[]) => unknown;

/** A client without a network, controlled by the test. */
export class FakeTransport implements Transport {
  readonly address = "nowhere";
  sendsAgain = false;
  state: TransportState;
  link: FakeLink = this.#newLink();
  readonly sent: string[] = [];
  readonly #answer: Responder;
  readonly #listeners = new Set<TransportEvents>();

  constructor(answer: Responder, state: TransportState = "ready") {
    this.#answer = answer;
    this.state = state;
  }

  listen(events: TransportEvents): () => void {
    this.#listeners.add(events);
    return () => this.#listeners.delete(events);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  connect(): void {
    this.state = "connecting";
  }

  /** The client is ready, over a new connection. */
  becomeReady(): void {
    this.link = this.#newLink();
    this.state = "ready";
    for (const events of Array.from(this.#listeners)) events.ready();
  }

  #newLink(): FakeLink {
    const link = new FakeLink();
    link.lost.catch(() => {
      if (this.link === link && this.state === "ready") this.state = "connecting";
    });
    return link;
  }

  fail(cause: unknown): void {
    for (const events of Array.from(this.#listeners)) events.failed(cause);
  }

  async send(name: string, args: readonly Argument[]): Promise<unknown> {
    this.sent.push(name);
    const { link } = this;
    const answer = await Promise.race([this.#answer(name, args), link.lost]);
    link.bytesRead += 1;
    return answer;
  }

  inOneWrite(write: () => void): void {
    write();
  }

  holdProcess(_hold: boolean): void {}

  async close(): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    this.link.destroy();
    this.state = "closed";
  }
}

export class FakeLink implements Link {
  bytesRead = 0;
  pinned = false;
  destroyed = false;
  readonly lost: Promise<never>;
  #lose: (error: Error) => void = () => {};

  constructor() {
    this.lost = new Promise((_, reject) => {
      this.#lose = reject;
    });
  }

  destroy(): void {
    this.destroyed = true;
    this.#lose(new Error("The connection was lost."));
  }
}
