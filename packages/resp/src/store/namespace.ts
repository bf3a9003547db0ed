import type { DriverValue, Expiry, FullDriverNamespace } from "@kv/core/driver";
import { Operation, type OperationType } from "../commands/operation.ts";
import {
  compareAndDelete,
  compareAndSet,
  exists,
  increment,
  read,
  remove,
  removeCounted,
  renew,
  take,
  timeLeft,
  write,
  writeIfAbsent,
  writeWithExpiry,
} from "../commands/operations.ts";
import { expiryArgument } from "../commands/scripts.ts";
import { decodeReply, encodeValue } from "../commands/value-encoding.ts";
import type { KeyLayout } from "../keys/key-layout.ts";
import { Batch } from "../pipeline/batch.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Sequencer } from "../pipeline/sequencer.ts";
import { scanKeys } from "../scan/scan-keys.ts";
import type { Argument } from "../transport/transport.ts";
import { clearNamespace } from "./clear-namespace.ts";

/** One namespace on a server or cluster: turns each call into operations on the server's keys. */
export class RespNamespace implements FullDriverNamespace {
  readonly #pipeline: Pipeline;
  readonly #sequencer: Sequencer;
  readonly #layout: KeyLayout;

  constructor(pipeline: Pipeline, sequencer: Sequencer, layout: KeyLayout) {
    this.#pipeline = pipeline;
    this.#sequencer = sequencer;
    this.#layout = layout;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#request(read, key, [], decodeReply);
  }

  getAndRenew(key: string, renewForMs: number): Promise<Uint8Array | undefined> {
    return this.#request(renew, key, [expiryArgument(renewForMs), "1"], decodeReply);
  }

  set(key: string, value: DriverValue, expiry: Expiry): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#sequencer.send(this.#setOperation(key, value, expiry, resolve, reject)),
    );
  }

  touch(key: string, renewForMs: number): Promise<boolean> {
    return this.#request(renew, key, [expiryArgument(renewForMs), "0"], isOne);
  }

  delete(key: string): Promise<boolean> {
    return this.#request(remove, key, [], isOne);
  }

  exists(key: string): Promise<boolean> {
    return this.#request(exists, key, [], isOne);
  }

  expiresInMs(key: string): Promise<number | undefined> {
    return this.#request(timeLeft, key, [], msLeft);
  }

  deleteAll(): Promise<void> {
    return clearNamespace(this.#pipeline, this.#sequencer, this.#layout);
  }

  async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = Array.from({ length: keys.length });
    const batch = new Batch();
    for (const [at, key] of keys.entries()) {
      const resolve = (answer: unknown): void => {
        found[at] = decodeReply(answer);
        batch.resolveOne();
      };
      batch.add(new Operation(read, this.#layout.keyOf(key), [], resolve, batch.rejectOne));
    }
    await batch.send(this.#sequencer);
    return found;
  }

  setMany(entries: ReadonlyMap<string, DriverValue>, expiry: Expiry): Promise<void> {
    const batch = new Batch();
    for (const [key, value] of entries) {
      batch.add(this.#setOperation(key, value, expiry, batch.resolveOne, batch.rejectOne));
    }
    return batch.send(this.#sequencer);
  }

  async deleteMany(keys: ReadonlySet<string>): Promise<number> {
    let deleted = 0;
    const batch = new Batch();
    const type = removeCounted();
    const resolve = (answer: unknown): void => {
      deleted += Number(answer);
      batch.resolveOne();
    };
    for (const key of keys) {
      batch.add(new Operation(type, this.#layout.keyOf(key), [], resolve, batch.rejectOne));
    }
    await batch.send(this.#sequencer);
    return deleted;
  }

  increment(key: string, by: number, expiresInMs: number): Promise<{ value: number; expiresInMs: number }> {
    return this.#request(increment, key, [String(by), expiryArgument(expiresInMs)], (answer) => {
      const [sum, rest] = answer as readonly [sum: unknown, rest: unknown];
      return { value: Number(sum), expiresInMs: msLeft(rest) ?? 0 };
    });
  }

  setIfAbsent(key: string, value: DriverValue, expiresInMs: number): Promise<boolean> {
    const expiry = expiresInMs === Number.POSITIVE_INFINITY ? [] : ["PX", String(expiresInMs)];
    return this.#request(
      writeIfAbsent,
      key,
      [encodeValue(value), ...expiry, "NX"],
      (answer) => answer !== null,
    );
  }

  compareAndSet(key: string, expected: DriverValue, value: DriverValue, expiry: Expiry): Promise<boolean> {
    const values = [encodeValue(expected), encodeValue(value), expiryArgument(expiry)];
    return this.#request(compareAndSet, key, values, isOne);
  }

  compareAndDelete(key: string, expected: DriverValue): Promise<boolean> {
    return this.#request(compareAndDelete, key, [encodeValue(expected)], isOne);
  }

  take(key: string): Promise<Uint8Array | undefined> {
    return this.#request(take, key, [], decodeReply);
  }

  async *keys(prefix: string): AsyncGenerator<readonly string[]> {
    for await (const keys of scanKeys(this.#pipeline, this.#layout.ownFrom(prefix))) {
      yield keys.map((serverKey) => this.#layout.nameOf(serverKey.toString()));
    }
  }

  async *namespaces(): AsyncGenerator<readonly string[]> {
    const known = new Set<string>();
    for await (const keys of scanKeys(this.#pipeline, this.#layout.below)) {
      const names = new Set(keys.map((serverKey) => this.#layout.childOf(serverKey.toString())));
      const fresh = [...names].filter((name) => name !== undefined && !known.has(name)) as string[];
      for (const name of fresh) known.add(name);
      yield fresh;
    }
  }

  deleteExpired(): number {
    return 0; // the server does it
  }

  #request<T>(
    type: OperationType,
    key: string,
    values: readonly Argument[],
    decode: (answer: unknown) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const resolveDecoded = (answer: unknown): void => {
        try {
          resolve(decode(answer));
        } catch (error) {
          reject(error);
        }
      };
      this.#sequencer.send(new Operation(type, this.#layout.keyOf(key), values, resolveDecoded, reject));
    });
  }

  #setOperation(
    key: string,
    value: DriverValue,
    expiry: Expiry,
    resolve: () => void,
    reject: (error: unknown) => void,
  ): Operation {
    const serverKey = this.#layout.keyOf(key);
    const argument = encodeValue(value);
    return expiry === Number.POSITIVE_INFINITY
      ? new Operation(write, serverKey, [argument], resolve, reject)
      : new Operation(writeWithExpiry, serverKey, [argument, expiryArgument(expiry)], resolve, reject);
  }
}

/** Tells whether a reply is 1. Some clients are set to give numbers as strings. */
function isOne(answer: unknown): boolean {
  return Number(answer) === 1;
}

/** Reads a reply to PTTL. */
function msLeft(answer: unknown): number | undefined {
  const ms = Number(answer);
  if (ms === -2) return undefined;
  return ms === -1 ? Number.POSITIVE_INFINITY : ms;
}
