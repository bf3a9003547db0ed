import type { Argument, Link, Transport } from "../transport/transport.ts";
import type { Script } from "./scripts.ts";

/**
 * Runs scripts by their hash (EVALSHA) where the server has them. The source goes along the first time on a connection (EVAL):
 * so the server has it when the next command arrives, and nothing has to be repeated out of order.
 */
export class ScriptCache {
  readonly #loaded = new WeakMap<Link, Set<Script>>();

  run(
    transport: Transport,
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const [name, text] = this.#isLoaded(transport, script)
      ? (["evalsha", script.sha1] as const)
      : (["eval", script.source] as const);
    return transport.send(name, [text, String(keys.length), ...keys, ...args]);
  }

  /** Sends the source again next time, since the server lost its scripts, or is another one. */
  forget({ link }: Transport): void {
    if (link !== undefined) this.#loaded.delete(link);
  }

  #isLoaded({ link }: Transport, script: Script): boolean {
    if (link === undefined) return false;
    const carried = this.#loaded.get(link);
    if (carried?.has(script) === true) return true;
    if (carried === undefined) this.#loaded.set(link, new Set([script]));
    else carried.add(script);
    return false;
  }
}
