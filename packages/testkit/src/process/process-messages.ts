// What parent and child say to each other over the IPC channel, in the order in which it is said.

/** From the parent: makes a call on the store of that handle, 0 being the root. */
export interface CallMessage {
  readonly kind: "call";
  readonly id: number;
  readonly handle: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** From the parent: `handle` shall be that namespace of the store `of`. */
export interface NamespaceMessage {
  readonly kind: "namespace";
  readonly handle: number;
  readonly of: number;
  readonly name: string;
}

/** From the parent: let go of the channel, and leave the store open and idle. */
export interface LeaveMessage {
  readonly kind: "leave";
}

export type ParentMessage = CallMessage | NamespaceMessage | LeaveMessage;

/** From the child, first: the methods of its store, and where it begins. */
export interface ReadyMessage {
  readonly kind: "ready";
  readonly methods: readonly string[];
  readonly namespace: readonly string[] | null | undefined;
}

/** From the child: what came of a call. */
export interface AnswerMessage {
  readonly kind: "answer";
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: SentError;
}

/** An error, without what a channel cannot carry. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

export type ChildMessage = ReadyMessage | AnswerMessage;
