import type { Line } from "./line.ts";
import type { Scale } from "./suites/scale.ts";

/** `SCALE.md`: how cost grows, and what follows for very many keys. */
export function scalePage({ measuredOn, footprints, stalls, growth, server }: Scale): string {
  const perKey = server.bytesPerEntry;
  const walk = server.jobs["keys"]?.tookMs ?? Number.NaN;
  return `# How cost grows, and planning for very many keys

Measured on ${measuredOn}, Redis ${server.version}. \`pnpm bench scale\` measures it again; this page is made by it.

## In memory

What an entry of 100 bytes takes of the process (resident memory, a million entries, each with a value of its own; cache-manager keeps the text itself, whose larger part all of them share here):

${table(
  ["", "bytes an entry"],
  Object.entries(footprints).map(([name, bytes]) => [name, bytes.toFixed(0)]),
)}

How fast a call is on any of so many entries, beside 10 thousand of them. What slows it down are the processor's caches, and garbage collection: lru-cache, holding copies too, is slowed down as well.

${table(["", "get", "set"], [...rows(growth.entries), ...rows(growth.entriesOfLru)])}

100 thousand entries spread over namespaces, beside one namespace. A call finds its map immediately, however many there are; a thousand Maps, and as many arrays for their values, only fit less well into the processor's caches.

${table(["", "get", "set"], rows(growth.namespaces))}

Long jobs over a million entries: how long they take, and the longest time in which nothing else in the process could run (of five tries the least, for what else runs on the machine only adds to it; \`nothing\` is the same without a job).

${table(
  ["", "took", "longest stall"],
  Object.entries(stalls).map(([name, { tookMs, longestMs }]) => [name, ms(tookMs), ms(longestMs)]),
)}

JavaScript's \`Map\` moves all that it holds in the one call that makes it grow or shrink: 25 ms and more with half a million entries. A namespace of more than 16,384 is therefore spread over 64 of them. What is left of the stalls is garbage collection, and slices of 2 ms. The price is a listing's and a sweep's: they no longer go through memory in the order in which it was filled.

## On a server

Jobs on 100 thousand entries of 100 bytes among a million others. The longest command is by the server's own slow log: for so long its other clients had to wait. The longest wait is that of a PING of another client, which shares a CPU with ours here.

${table(
  ["", "took", "longest command", "longest wait of another client"],
  Object.entries(server.jobs).map(([name, job]) => [
    name,
    ms(job.tookMs),
    ms(job.longestCommandMs),
    ms(job.longestWaitMs),
  ]),
)}

\`deleteAll\` beside the same by hand, rates within a round: ${Object.entries(server.deleteAll)
    .map(([name, { median }]) => `${name} ${median.toFixed(2)}`)
    .join(", ")}.

## A hundred million keys

**Memory.** An entry of 100 bytes takes ${perKey.toFixed(0)} bytes on the server (MEMORY USAGE), about 16 more for the table of keys, and about 40 more where it expires: a hundred million are ${gigabytes(100e6 * (perKey + 56))}. Leave a third free for replication, for what a fork copies while it saves, and for the table of keys when it doubles: about ${gigabytes(100e6 * (perKey + 56) * 1.5)} over all masters, the same again for each replica. With masters of 8 GiB that is ${Math.ceil((100e6 * (perKey + 56) * 1.5) / (8 * 2 ** 30))} of them. Set \`maxmemory\`, and \`noeviction\` where entries must not vanish: a full server then answers \`KV_FULL\`.

**Calls.** One connection a process carries all calls of a tick in one write. On a single server few commands do for many keys; on a cluster each key goes as a command of its own, since the keys of a command have to be of one slot, still in one write to each node. So a cluster of the fewest masters that hold the data and the load is faster than one of many.

**Walks.** \`deleteAll\`, \`keys\` and \`namespaces\` look at every key of every master, a thousand at a time, node after node: ${ms(walk)} for ${(1.3).toFixed(1)} million here, so about ${seconds((walk / 1.3) * 100)} for a hundred million, however small the namespace is. The server stays free for others between the pages, and what is called meanwhile is in order; but these are jobs for maintenance, not for a request. Instead:

- Let entries expire. The server removes them by itself, and \`deleteExpired\` has nothing to do.
- To drop many together on request, put a generation in the name, \`root.withNamespace("cache").withNamespace(generation)\`, count it up, and let the old ones expire.
- Keep what is emptied as a whole, or listed, on a server or a database of its own, away from the hundred million.
- Keep a list of your own of what has to be listed often: \`keys\` is for looking, not for serving.

**Counters.** \`increment\` is one script for each key and round trip on whichever node holds it: hot counters spread over the masters by their keys, but one key is never faster than one server.

**Many machines.** Each process has its own connection; ten thousand of them are ten thousand connections to each master, which \`maxclients\` (10,000 by default) has to allow. Nothing is kept in the processes, so they come and go as they like.

**Failover.** Replication is asynchronous: the newest writes may be lost when a master dies. For rate limits and caches that is fine; for what is not, see WAIT and \`min-replicas-to-write\` of the server.
`;
}

function rows(lines: readonly Line[]): string[][] {
  const names = Object.keys(lines[0]?.ratios ?? {});
  return names.map((name) => [
    name,
    ...lines.map(({ ratios }) => (ratios[name]?.median ?? Number.NaN).toFixed(2)),
  ]);
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map((_, at) => (at === 0 ? "---" : "---:"))), ...body.map(row)].join("\n");
}

function ms(figure: number): string {
  return `${figure.toFixed(figure < 100 ? 1 : 0)} ms`;
}

function seconds(figureMs: number): string {
  return `${Math.round(figureMs / 1_000)} s`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(0)} GiB`;
}
