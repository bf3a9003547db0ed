import { getConnInfo } from "@hono/node-server/conninfo";
import * as fc from "fast-check";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { clientAddress } from "../src/index.ts";
import { clientNetwork } from "../src/rate-limit/ip-address.ts";
import { served } from "./serve.ts";

describe("the network of an address", () => {
  test.each<[string, string | undefined]>([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::203.0.113.7", "64:ff9b:0:0::/64"],
    ["", undefined],
    ["unknown", undefined],
    ["1.2.3", undefined],
    ["1.2.3.256", undefined],
    ["1.2.3.04", undefined],
    ["1:2:3:4:5:6:7", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7:8::", undefined],
    ["12345::", undefined],
    [":1", undefined],
  ])("of %j", (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });

  test("is the same for every spelling of one address, and for all addresses of its /64", () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, fc.ipV6(), ([a = 0, b = 0, c = 0, d = 1, ...rest], any) => {
        const prefix = [a, b, c, d | 1].map((group) => group.toString(16));
        const long = [...prefix, ...rest.map((group) => group.toString(16).padStart(4, "0"))].join(":");
        expect(clientNetwork(long)).toBe(clientNetwork(`${prefix.join(":").toUpperCase()}::`));
        expect(clientNetwork(any)).toBe(clientNetwork(new URL(`http://[${any}]`).hostname.slice(1, -1)));
      }),
    );
  });
});

describe("behind proxies", () => {
  const ask = async (proxies: number | undefined, forwarded: string | undefined): Promise<string> => {
    const address = clientAddress(() => ({ remote: { address: "10.0.0.1" } }), { proxies });
    const app = new Hono().get("/", (c) => c.text(address(c)));
    const headers: Record<string, string> = forwarded === undefined ? {} : { "X-Forwarded-For": forwarded };
    return (await app.request("/", { headers })).text();
  };

  test.each<[proxies: number | undefined, forwarded: string | undefined, client: string, why: string]>([
    [undefined, "203.0.113.7", "10.0.0.1", "nobody is believed"],
    [0, "203.0.113.7", "10.0.0.1", "nobody is believed"],
    [1, undefined, "10.0.0.1", "there is no header"],
    [1, "203.0.113.7", "203.0.113.7", "the proxy says who called it"],
    [1, "198.51.100.1, 203.0.113.7", "203.0.113.7", "what a client made up comes before that"],
    [2, "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7", "each proxy adds one"],
    [2, "203.0.113.7", "203.0.113.7", "a proxy was gone round"],
    [1, "[2001:db8::1]:4711", "2001:db8:0:0::/64", "with brackets and a port"],
    [1, "203.0.113.7:4711", "203.0.113.7", "with a port"],
    [1, "unknown", "10.0.0.1", "what is no address is not believed"],
    [2, "203.0.113.7, unknown", "10.0.0.1", "nor what came before it"],
  ])("%s of them and %j: %s, for %s", async (proxies, forwarded, client) => {
    expect(await ask(proxies, forwarded)).toBe(client);
  });

  test.each([-1, 1.5, "1"])("%j of them is refused", (proxies) => {
    expect(() => clientAddress(() => ({ remote: {} }), { proxies: proxies as number })).toThrow(
      /^proxies must be/,
    );
  });
});

test("where the runtime knows no address, nobody is counted as somebody else", async () => {
  const address = clientAddress(() => ({ remote: {} }));
  const app = new Hono().get("/", (c) => c.text(address(c)));
  app.onError((error, c) => c.text(error.message, 500));
  expect(await (await app.request("/")).text()).toMatch(/knows no address/);
});

test("on Node the address is the socket's", async () => {
  const address = clientAddress(getConnInfo);
  await using server = await served(new Hono().get("/", (c) => c.text(address(c))));
  expect(await (await fetch(server.url)).text()).toBe("127.0.0.1");
});
