import { expect, test } from "vitest";
import { keyLayout } from "../src/keys/key-layout.ts";

test("N6 the pattern of a prefix means its characters, and nothing else", () => {
  const { ownFrom } = keyLayout(["KV", "a"]);
  expect(ownFrom("").pattern).toBe("KV/a:*");
  expect(ownFrom("user:1").pattern).toBe("KV/a:user:1*");
  expect(ownFrom("a*b?c[d]^e-f\\g").pattern).toBe("KV/a:a\\*b\\?c\\[d\\]\\^e\\-f\\\\g*");
  expect(keyLayout(null).ownFrom("{tag}:").pattern).toBe("{tag}:*");
});

test("N2 a namespace covers itself and what is below it, and no sibling", () => {
  const layout = keyLayout(["KV", "a"]);
  const covered = ["KV/a:", "KV/a:k", "KV/a/b:k", "KV/a/b/c:k"];
  const others = ["KV:a", "KV:a:k", "KV:a/b:k", "KV/ab:k", "KV/a%2A:k", "KV/a", "XKV/a:k", "KV/A:k"];
  expect(covered.filter((key) => layout.covers(key))).toEqual(covered);
  expect(others.filter((key) => layout.covers(key))).toEqual([]);
});

test("N4 without a namespace keys are the server's own, and namespaces lie next to them", () => {
  expect(keyLayout(null).keyOf("any:key")).toBe("any:key");
  expect(keyLayout(["a", "b"]).keyOf("k")).toBe("a/b:k");
});

test("N3 the child of a key is its next name; a key that is none of the layout has none", () => {
  const layout = keyLayout(["KV"]);
  expect(layout.childOf("KV/a:k")).toBe("a");
  expect(layout.childOf("KV/a%2Fb/c:k")).toBe("a/b");
  for (const foreign of ["KV/", "KV/a", "KV/:k", "KV//a:k", "KV/a b:k", "KV/%zz:k", "KV/%:k"]) {
    expect(layout.childOf(foreign)).toBeUndefined();
  }
});
