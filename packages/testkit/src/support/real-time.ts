/**
 * Reads the monotonic clock of the runtime, in milliseconds. What a harness does to the seam for time, to move the clock of
 * its stores, must not move what the kit measures them by.
 */
export function realMs(): number {
  // oxlint-disable-next-line time/seam -- reality, whatever stands in the seam
  return performance.now();
}
