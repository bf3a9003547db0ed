import { type RunningServer, until } from "@kv/test-servers";
import type { Site } from "./recovery-site.ts";

/** Before the first call, while the handshake waits for its answer, or under load. */
export type Moment = "before" | "while" | "after";

export type FaultName = "killed" | "stopped" | "muted" | "forgotten" | "demoted";

export interface Fault {
  /** As the title of a test has it. */
  readonly says: string;
  /** No write can succeed until it is healed. */
  lasts(moment: Moment): boolean;
  /** A handshake in progress is answered once it has struck. */
  readonly answersHandshake: boolean;
  strike(site: Site, moment: Moment): Promise<void>;
  /** Ends it; resolves to the server that takes writes now. */
  heal(site: Site): Promise<RunningServer>;
  /** Sentinels, or the masters of a cluster, have the replica take over. */
  readonly replaces: boolean;
}

/** Long beyond need: what a test waits for comes sooner, or never. */
const patienceMs = 120_000;

export const faults: Readonly<Record<FaultName, Fault>> = {
  killed: {
    says: "killed",
    lasts: () => true,
    answersHandshake: false,
    async strike({ struck }) {
      for (const { server, proxy } of struck) {
        await proxy.refuse();
        await server.kill();
        proxy.cut(); // a reply that is held back would keep the end of its connection back, too
      }
    },
    heal: (site) => site.untilServed(),
    replaces: true,
  },
  stopped: {
    says: "stopped",
    lasts: () => true,
    answersHandshake: false,
    async strike({ struck }) {
      for (const { server } of struck) await server.pause();
    },
    heal: (site) => site.untilServed(),
    replaces: true,
  },
  muted: {
    says: "accepted and never answered",
    lasts: () => true,
    answersHandshake: false,
    async strike({ struck }) {
      for (const { proxy } of struck) proxy.mute();
    },
    async heal({ primary, struck }) {
      await until("a connection is taken in vain", patienceMs, () =>
        struck.some(({ proxy }) => proxy.traffic.open > 0) ? true : undefined,
      );
      for (const { proxy } of struck) proxy.unmute();
      return primary;
    },
    replaces: false,
  },
  forgotten: {
    says: "forgotten by the network",
    lasts: (moment) => moment === "before",
    answersHandshake: false,
    async strike({ struck }, moment) {
      for (const { proxy } of struck) {
        if (moment === "before") await proxy.blackhole();
        else proxy.forget();
      }
    },
    async heal({ primary, struck }) {
      for (const { proxy } of struck) await proxy.accept();
      return primary;
    },
    replaces: false,
  },
  demoted: {
    says: "demoted behind its address",
    lasts: (moment) => moment === "before",
    answersHandshake: true,
    strike: (site) => site.demote(),
    async heal(site) {
      await site.leadToReplica();
      return site.replica;
    },
    replaces: false,
  },
};
