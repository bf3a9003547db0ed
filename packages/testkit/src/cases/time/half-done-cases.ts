import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import type { RuleId } from "../../contract/rules.ts";
import { expectTrue } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { concurrently } from "../shared/concurrently.ts";
import { expiryWays } from "../shared/expiry-ways.ts";
import { forEach } from "../shared/for-each.ts";

/** The rule of a call that gives what was not there its expiry, where it replaces none. */
const creating: Readonly<Record<string, RuleId>> = { increment: "A1", setIfAbsent: "A2" };

const rounds = Array.from({ length: 30 }, (_, round) => `round ${round}`);

/** T2, T3, A1 to A3: a value and its expiry are one step, so that nobody ever sees the one without the other. */
export const halfDoneCases: readonly ContractCase[] = Object.entries(expiryWays)
  .filter(([, { replaces, prepare }]) => replaces !== undefined || prepare === undefined)
  .flatMap(([way, { needs = [], give, replaces }]) =>
    concurrently({
      rule: replaces ?? creating[way] ?? "T1",
      title: `what ${way} gives an expiry is never seen without it`,
      needs,
      async run([writer, reader]) {
        const isThere = replaces === "T3" || replaces === "A3";
        if (isThere) await forEach(rounds, async (key) => writer.set(key, "1", { expiresIn: "1d" }));
        await forEach(rounds, async (key) => {
          const looks = inFlight(expiriesOf(reader, key));
          const [seen] = await Promise.all([looks, give(writer, key, "1h")]);
          const last = await reader.expiresIn(key);
          for (const left of [...seen, last])
            expectTrue(
              left === undefined ? !isThere : Number.isFinite(left),
              `expiresIn beside ${way}: that of an entry with an expiry${isThere ? "" : ", or none"}`,
              String(left),
            );
        });
      },
    }),
  );

/** Looks at an entry again and again, while another caller writes it. */
async function expiriesOf(store: FullStore, key: string): Promise<(number | undefined)[]> {
  const seen: (number | undefined)[] = [];
  for (let look = 0; look < 6; look += 1) seen.push(await store.expiresIn(key));
  return seen;
}
