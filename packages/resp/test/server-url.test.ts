import { expect, test } from "vitest";
import { parseServerUrl } from "../src/store/server-url.ts";

test("a URL is read with what is percent-encoded in it", () => {
  expect(parseServerUrl("valkeys://ada:100%25%40@[::1]:7000/3")).toEqual({
    address: { host: "::1", port: 7000, db: 3, username: "ada", password: "100%@" },
    tls: true,
  });
  expect(parseServerUrl("redis://h")).toEqual({ address: { host: "h", port: 6379, db: 0 }, tls: false });
});

test.each([
  "redis://:100%s3cret@h", // a "%" that encodes nothing
  "redis://s3cret%@h",
  "redis://:s3cret@h/x",
  "redis://:s3cret@h?db=1",
  "redis://:s3cret/@h",
  "redis:s3cret",
  "http://:s3cret@h",
])("E1 %s is a TypeError that does not show the password", (url) => {
  const parse = (): unknown => parseServerUrl(url);
  expect(parse).toThrow(TypeError);
  expect(parse).toThrow(/^url must be like "redis:.*percent-encoded/);
  expect(parse).not.toThrow("s3cret");
});
