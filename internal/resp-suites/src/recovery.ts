import { sendCommand, until } from "@kv/test-servers";
import { soak } from "@kv/test-support";
import { describe, expect, test } from "vitest";
import { type RespBackend } from "./contract.ts";
import { type Fault, type FaultName, faults, type Moment } from "./recovery-faults.ts";
import { makeLoad } from "./recovery-load.ts";
import { type Site, type SitePlan, startSite, type Topology } from "./recovery-site.ts";

/** A fault, when it strikes, and what it strikes. */
export interface Cell {
  readonly fault: FaultName;
  readonly moment: Moment;
  readonly topology: Topology;
  /** Of a client that is passed in: the name of the library, in its package's `libraries`. */
  readonly library?: string;
}

/** Long beyond need: what a test waits for comes sooner, or never. */
const patienceMs = 120_000;
const moments: readonly Moment[] = ["before", "while", "after"];
const topologies: readonly Topology[] = ["client", "Sentinel", "Sentinel, a sentinel too", "Cluster"];

/** Tests that a store works again after each fault, by itself, and the codes of its errors meanwhile. */
export function testRecovery(
  { kind, open, libraries }: Pick<RespBackend, "kind" | "open" | "libraries">,
  /** The part of the ordinary test run; `KV_SOAK=1` tries every cell, with a short timeout too. */
  sample: readonly Cell[],
): void {
  const cells = soak ? everyCell(Object.keys(libraries)) : sample;
  for (const timeoutMs of soak ? [1_000, 300] : [1_000])
    describe.concurrent(`${kind}: with a timeout of ${timeoutMs} ms the store works again`, () => {
      for (const cell of cells)
        test(titleOf(cell), { timeout: 300_000 }, async ({ annotate }) => {
          const { fault, moment, topology, library = "" } = cell;
          const plan = { kind, open, topology, library: libraries[library], timeoutMs };
          await annotate(await expectRecovery(faults[fault], moment, plan));
        });
    });
}

function everyCell(libraries: readonly string[]): Cell[] {
  const ways = [
    { topology: "url" } as const,
    ...topologies.flatMap((topology) => libraries.map((library) => ({ topology, library }))),
  ];
  const names = Object.keys(faults) as FaultName[];
  return ways.flatMap((way) =>
    names
      // No sentinel is ever demoted.
      .filter((fault) => fault !== "demoted" || way.topology !== "Sentinel, a sentinel too")
      .flatMap((fault) => moments.map((moment) => ({ fault, moment, ...way }))),
  );
}

function titleOf({ fault, moment, topology, library }: Cell): string {
  const way = library === undefined ? topology : `${topology}, ${library}`;
  return `S7 ${faults[fault].says} ${moment} connecting, ${way}`;
}

/** Has a fault strike and heal under load, and expects what S7 promises; resolves to what happened. */
async function expectRecovery(
  fault: Fault,
  moment: Moment,
  plan: Omit<SitePlan, "serverKey">,
): Promise<string> {
  const namespace = `test-${crypto.randomUUID()}`;
  const seed = { key: "{seed}", text: "ada" };
  const serverKey = `${namespace}:${seed.key}`;
  await using site = await startSite({ ...plan, serverKey });
  await plant(site, namespace, seed);
  const store = site.open(namespace);
  const { timeoutMs, topology } = plan;
  // The nodes of a cluster answer with MOVED.
  const mayBeReadOnly = fault === faults.demoted && topology !== "Cluster";
  await using load = makeLoad({ store, timeoutMs, seed, mayBeReadOnly });

  const held = moment === "while" ? site.struck.at(-1)?.proxy.holdReply(() => true) : undefined;
  if (moment !== "before") load.begin();
  await held?.reached;
  if (moment === "after") await load.untilRounds(20);
  await fault.strike(site, moment);
  if (fault.answersHandshake) held?.release();
  if (moment === "before") load.begin();
  if (fault.lasts(moment)) await load.untilRounds(1);
  const server = await fault.heal(site);
  if (!site.primary.paused) held?.release();
  await until("a healthy server answers", patienceMs, () =>
    sendCommand({ port: site.portOf(server) }, ["SET", `${serverKey} probe`, "1"]),
  );
  await load.untilRecovered(performance.now());
  // Another sentinel, or another node of the cluster, may have told in time what was asked of the one that is silent.
  const othersTell = site.struck.length > 1 || (topology === "Cluster" && moment === "while");
  const mayGoUnnoticed = fault === faults.demoted || (fault === faults.forgotten && othersTell);
  if (!mayGoUnnoticed) expect(load.failures, "it has struck").toBeGreaterThan(0);
  if (load.problems.length === 0) {
    load.expectNoFailure();
    await load.untilRounds(3);
  }
  await load.end();
  await store.close().catch(() => {}); // what it waits for may never come
  await using healthy = site.openAt(server, namespace);
  await load.compare(healthy, fault.replaces && site.replaces);
  expect(load.problems, load.summary()).toEqual([]);
  return load.summary();
}

/** Writes what the load reads, and waits until the replica has it too. */
async function plant(
  { primary, replica, openAt }: Site,
  namespace: string,
  { key, text }: { readonly key: string; readonly text: string },
): Promise<void> {
  await using store = openAt(primary, namespace);
  await store.set(key, text);
  await until("the replica has it", patienceMs, async () =>
    Number(await replica.command("DBSIZE")) > 0 ? true : undefined,
  );
}
