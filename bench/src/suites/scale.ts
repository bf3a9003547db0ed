import { describeMachine } from "../machine.ts";
import { measureFootprints } from "../scale/footprint.ts";
import { type Growth, measureGrowth } from "../scale/growth.ts";
import { measureServer, type ServerScale } from "../scale/server.ts";
import { measureStalls, type Stall } from "../scale/stalls.ts";

/** How cost grows. */
export interface Scale {
  readonly measuredOn: string;
  readonly growth: Growth;
  readonly footprints: Readonly<Record<string, number>>;
  readonly stalls: Readonly<Record<string, Stall>>;
  readonly server: ServerScale;
}

export async function scale(): Promise<Scale> {
  return {
    measuredOn: describeMachine(),
    footprints: await measureFootprints(),
    stalls: await measureStalls(5),
    growth: await measureGrowth({ rounds: 15, sliceMs: 60 }),
    server: await measureServer(5),
  };
}
