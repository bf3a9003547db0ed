import { checkOptions } from "@kv/core/driver";
import type { Context } from "hono";
import { checkFunction, checkWholeNumber } from "../shared/options.ts";
import { clientNetwork, withoutPort } from "./ip-address.ts";

/** The `getConnInfo` of a runtime: of `@hono/node-server/conninfo`, `hono/bun`, `hono/deno`, ... */
export type GetClientAddress = (c: Context) => { readonly remote: { readonly address?: string | undefined } };

/** The options of `clientAddress`. */
export interface ClientAddressOptions {
  /**
   * The number of your own proxies in front of this server, each of which adds the address it was called from to
   * `X-Forwarded-For`. With 0 the header is ignored, for any client can write it. Default: 0.
   */
  readonly proxies?: number | undefined;
}

/**
 * Makes a key for rate limits: the client's address, IPv6 by its /64.
 *
 * @returns a function that throws where the runtime knows no address, rather than count all clients as one
 *
 * @example
 * ```ts
 * import { getConnInfo } from "@hono/node-server/conninfo";
 * import { clientAddress, rateLimit } from "@kv/hono";
 * import { memoryStore } from "@kv/memory";
 *
 * const limit = rateLimit(memoryStore(), {
 *   limit: 100,
 *   window: "1m",
 *   key: clientAddress(getConnInfo, { proxies: 1 }),
 *   onOutage: "allow",
 * });
 * console.log(typeof limit);
 * ```
 */
export function clientAddress(
  getConnInfo: GetClientAddress,
  options: ClientAddressOptions = {},
): (c: Context) => string {
  checkFunction(getConnInfo, "getConnInfo");
  checkOptions(options, ["proxies"]);
  const proxies = checkWholeNumber(options.proxies ?? 0, 0, "proxies");

  return (c) => {
    const { address = "" } = getConnInfo(c).remote;
    // From the nearest to the farthest: who called this server, then what each proxy says who called it.
    const forwarded = proxies === 0 ? [] : (c.req.header("X-Forwarded-For") ?? "").split(",").toReversed();
    let client = clientNetwork(address);
    for (const claimed of forwarded.slice(0, proxies)) {
      const network = clientNetwork(withoutPort(claimed.trim()));
      if (network === undefined) break;
      client = network;
    }
    if (client !== undefined) return client;
    throw new Error(
      "The runtime knows no address of this client. Pass the getConnInfo of the runtime, or another key.",
    );
  };
}
