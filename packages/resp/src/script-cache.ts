import type { Script } from "./scripts.ts";
import type { Argument, Link, Transport } from "./transport.ts";

/**
 * Runs scripts by their name where the server has them. The text goes along the first time on a connection: then
 * it is there when the next command arrives, and nothing has to be repeated out of order. On a cluster every node
 * would have to be told, so the text goes along every time.
 */
export class ScriptCache {
  readonly #carriedBy = new WeakMap<Link, Set<Script>>();

  run(
    transport: Transport,
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const [name, text] = this.#isKnown(transport, script)
      ? (["evalsha", script.sha1] as const)
      : (["eval", script.source] as const);
    return transport.send(name, [text, String(keys.length), ...keys, ...args]);
  }

  /** The server was told to forget its scripts, or is another one. */
  forget({ link }: Transport): void {
    if (link !== undefined) this.#carriedBy.delete(link);
  }

  #isKnown({ link }: Transport, script: Script): boolean {
    if (link === undefined) return false;
    const carried = this.#carriedBy.get(link);
    if (carried?.has(script) === true) return true;
    if (carried === undefined) this.#carriedBy.set(link, new Set([script]));
    else carried.add(script);
    return false;
  }
}
