import { isUnknownScript } from "./errors.ts";
import { type Argument, type RespClient, sendCommand, socketOf } from "./resp-client.ts";
import type { Script } from "./scripts.ts";

/**
 * Runs scripts by their name where the server has them. The text goes along the first time on a connection: then
 * it is there when the next command arrives, and nothing has to be repeated out of order. On a cluster every node
 * would have to be told, so the text goes along every time.
 */
export class ScriptCache {
  readonly #carriedBy = new WeakMap<object, Set<Script>>();

  async run(
    client: RespClient,
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    if (this.#isKnown(client, script)) {
      try {
        return await sendCommand(client, "evalshaBuffer", [script.sha1, ...rest]);
      } catch (error) {
        if (!isUnknownScript(error)) throw error; // else the server was told to forget, and nothing was done
      }
    }
    return sendCommand(client, "evalBuffer", [script.source, ...rest]);
  }

  #isKnown(client: RespClient, script: Script): boolean {
    const socket = client.isCluster === true ? undefined : socketOf(client);
    if (socket === undefined) return false;
    const carried = this.#carriedBy.get(socket);
    if (carried?.has(script) === true) return true;
    if (carried === undefined) this.#carriedBy.set(socket, new Set([script]));
    else carried.add(script);
    return false;
  }
}
