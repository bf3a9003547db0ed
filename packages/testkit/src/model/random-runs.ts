import type { RunOptions } from "../contract/contract-case.ts";

/** The parameters of random runs. The same seed makes the same runs. */
export interface RandomRuns {
  readonly seed: number;
  readonly runs: number;
}

const usualRuns = 50;

/** The seed and the number of runs: as the options say, else `KV_TESTKIT_SEED` and `KV_TESTKIT_RUNS`, else a new seed. */
export function randomRuns({ seed, runs }: RunOptions): RandomRuns {
  return {
    seed: seed ?? fromEnvironment("KV_TESTKIT_SEED") ?? Math.floor(Math.random() * 2 ** 31),
    runs: runs ?? fromEnvironment("KV_TESTKIT_RUNS") ?? usualRuns,
  };
}

/** Says how to reproduce a random failure, for its message. */
export function reproduction({ seed }: RandomRuns): string {
  return `seed ${seed}: run again with KV_TESTKIT_SEED=${seed}, or with the option seed, to see the same`;
}

function fromEnvironment(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`${name} must be an integer, not ${JSON.stringify(text)}.`);
}
