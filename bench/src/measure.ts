/** Something whose speed is measured, beside others. */
export interface Contender {
  readonly name: string;
  /** Works for a short while, and says how much it did a second. */
  rate(): Promise<number>;
}

/** How fast a contender was beside another, of several rounds. */
export interface Ratio {
  readonly median: number;
  /** The quartiles. */
  readonly low: number;
  readonly high: number;
}

/**
 * Runs all contenders in turn, round after round, and compares each with the first within the same round: what slows
 * down the machine for a while slows down both. Only ratios come out of this.
 */
export async function compare(
  contenders: readonly Contender[],
  rounds: number,
): Promise<Record<string, Ratio>> {
  const ratesOf = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, rate } of turn(contenders, round)) {
      ratesOf.get(name)?.push(await rate());
    }
  }
  const [first = []] = ratesOf.values();
  return Object.fromEntries(
    Array.from(ratesOf, ([name, rates]) => [name, ratioOf(rates.map((rate, at) => rate / (first[at] ?? 1)))]),
  );
}

/** The middle of some numbers, and the quartiles. */
export function ratioOf(numbers: readonly number[]): Ratio {
  const sorted = numbers.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Everyone begins once, and comes before and after each neighbour as often. */
function turn<T>(items: readonly T[], round: number): T[] {
  const at = round % items.length;
  const rotated = [...items.slice(at), ...items.slice(0, at)];
  return round % 2 === 0 ? rotated : rotated.toReversed();
}
