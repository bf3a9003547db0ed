import { type RunningServer, startStandalone } from "@kv/test-servers";
import { failureGuarantees } from "./failure-guarantees.ts";
import type { Guarantee } from "./guarantee.ts";
import type { Backend, Peer, PeerStore } from "./peer.ts";
import { storingGuarantees, textOf } from "./storing-guarantees.ts";
import { timeGuarantees } from "./time-guarantees.ts";

/** In the order of the table's rows. */
export const guarantees: readonly Guarantee[] = [
  ...storingGuarantees,
  ...timeGuarantees,
  ...failureGuarantees,
];

/** What the table's cell says: `yes`, `no`, or on which backend only it holds. */
export async function verdict(guarantee: Guarantee, peer: Peer): Promise<string> {
  const held: string[] = [];
  for (const kind of guarantee.on) if (await holds(guarantee, peer, kind)) held.push(kind);
  if (held.length === 0) return "no";
  return held.length === guarantee.on.length ? "yes" : `${held.join(", ")} only`;
}

async function holds(guarantee: Guarantee, peer: Peer, kind: Backend["kind"]): Promise<boolean> {
  await using server = kind === "Redis" ? await startStandalone({ kind: "redis" }) : undefined;
  const at: Backend = server === undefined ? { kind: "memory" } : { kind: "Redis", url: server.url };
  await checkThatItWorks(peer, at);
  await server?.command("FLUSHALL");
  const opened: PeerStore[] = [];
  const open = async (): Promise<PeerStore> => {
    const store = await peer.open(at);
    opened.push(store);
    return store;
  };
  try {
    // A library that refuses what is asked for does not hold.
    return await guarantee.holds({ open, server: () => checkedServer(server) }).catch(() => false);
  } finally {
    if (server?.running === false) await server.restart();
    await Promise.allSettled(opened.map((store) => store.close()));
  }
}

/** Else a fault of ours would pass for one of the library's. */
async function checkThatItWorks(peer: Peer, at: Backend): Promise<void> {
  const store = await peer.open(at);
  await store.set("works", "yes");
  const found = textOf(await store.get("works"));
  await store.close();
  if (found !== "yes")
    throw new Error(`${peer.name} does not work on ${at.kind} here: it gave ${String(found)}`);
}

function checkedServer(server: RunningServer | undefined): RunningServer {
  if (server === undefined) throw new Error("A trial in memory has no server.");
  return server;
}
