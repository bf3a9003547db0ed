/**
 * Finds what a misspelt word was meant to be: the one of `known` that is nearest to it, `undefined` where none is near
 * enough to be meant. A third of its letters may be wrong; of two letters that were swapped one counts.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let found: string | undefined;
  let fewest = Math.floor(word.length / 3);
  for (const candidate of known) {
    // A longer one has more letters too many than are allowed: a misspelt word may be of any length.
    if (Math.abs(candidate.length - word.length) > fewest) continue;
    const edits = editsBetween(word.toLowerCase(), candidate.toLowerCase());
    if (edits > fewest || (edits === fewest && found !== undefined)) continue;
    fewest = edits;
    found = candidate;
  }
  return found;
}

/** Counts the letters that have to be added, removed, replaced or swapped with the next one (optimal string alignment). */
function editsBetween(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row += 1) {
    const edits = [row];
    for (let at = 1; at <= to.length; at += 1) {
      const same = from[row - 1] === to[at - 1];
      const isSwapped = from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1];
      edits.push(
        Math.min(
          (last[at] ?? 0) + 1,
          (edits[at - 1] ?? 0) + 1,
          (last[at - 1] ?? 0) + (same ? 0 : 1),
          isSwapped ? (beforeLast[at - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [beforeLast, last] = [last, edits];
  }
  return last[to.length] ?? 0;
}
