import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Guarantee } from "../src/guarantee.ts";
import type { Peer } from "../src/peer.ts";
import { peers } from "../src/peers/peers.ts";
import { guarantees, verdict } from "../src/trials.ts";

const repository = new URL("../../", import.meta.url);

/** The rows of a page's table of guarantees: what it says, and the cell of each library without its notes. */
function tableIn(page: string): Map<string, Record<string, string>> {
  const lines = readFileSync(new URL(page, repository), "utf8").split("\n");
  const cellsOf = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.replaceAll(/\[\^.*?\]/g, "").trim());
  const head = lines.findIndex((line) => /^\| guarantee +\|/.test(line));
  const columns = cellsOf(lines[head] ?? "").slice(1);
  const rows = new Map<string, Record<string, string>>();
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith("|")) break;
    const [says = "", ...cells] = cellsOf(line);
    rows.set(says, Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""])));
  }
  return rows;
}

const found = new Map<string, Record<string, string>>();

beforeAll(async () => {
  for (const guarantee of guarantees.filter(({ alone }) => alone === true)) {
    for (const peer of peers) await find(guarantee, peer);
  }
  const others = guarantees.filter(({ alone }) => alone !== true);
  await Promise.all(others.flatMap((guarantee) => peers.map((peer) => find(guarantee, peer))));
}, 300_000);

async function find(guarantee: Guarantee, peer: Peer): Promise<void> {
  const cell = await verdict(guarantee, peer);
  found.set(guarantee.says, { ...found.get(guarantee.says), [peer.name]: cell });
}

describe("the tables of guarantees say what the libraries do", () => {
  const page = tableIn("docs/comparison.md");

  test("docs/comparison.md has a row for every guarantee that is tried, and no other", () => {
    expect([...page.keys()]).toEqual(guarantees.map(({ says }) => says));
  });

  test.each(guarantees.map(({ says }) => says))("docs/comparison.md: %s", (says) => {
    expect(Object.keys(found.get(says) ?? {}).toSorted()).toEqual(peers.map(({ name }) => name).toSorted());
    expect(page.get(says)).toMatchObject(found.get(says) ?? {});
  });

  test("README.md repeats rows of docs/comparison.md as they are there", () => {
    const short = tableIn("README.md");
    expect(short.size).toBeGreaterThan(5);
    for (const [says, cells] of short) expect(cells, says).toEqual(page.get(says));
  });
});
