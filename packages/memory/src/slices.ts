/** How long a slice of a long job may keep others waiting. */
const sliceMs = 2;

/** Does a long job step by step, giving way to others about every two milliseconds. */
export async function inSlices<T>(items: Iterable<T>, step: (item: T) => void): Promise<void> {
  let untilMs = performance.now() + sliceMs;
  for (const item of items) {
    step(item);
    if (performance.now() < untilMs) continue;
    await othersHadTheirTurn();
    untilMs = performance.now() + sliceMs;
  }
}

/** For work that is done piece by piece: `await slice.end()` after each gives way where it is time to. */
export class Slice {
  #untilMs = performance.now() + sliceMs;

  async end(): Promise<void> {
    if (performance.now() < this.#untilMs) return;
    await othersHadTheirTurn();
    this.#untilMs = performance.now() + sliceMs;
  }
}

function othersHadTheirTurn(): Promise<void> {
  // setImmediate is not everywhere; a timer of 0 ms gives way too, for a little longer.
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
