import { Session } from "node:inspector/promises";

/**
 * The functions of a package that are entered while a call runs and until it has settled, each as `file:name` and as
 * often as it was entered. Call it warm: the first call of a store opens things. Assert that there are at most so many:
 * once in hundreds of runs a count has been one lower, for a reason that is not known.
 */
export async function functionsEntered(packageName: string, call: () => unknown): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  await session.post("Debugger.enable");
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await session.post("Profiler.takePreciseCoverage"); // drops what was counted until now
  await call();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  await session.post("Profiler.stopPreciseCoverage");
  const entered: string[] = [];
  for (const { scriptId, url, functions } of result) {
    const [, file] = /\/packages\/([^?]+\/src\/[^?]+)/.exec(url) ?? [];
    if (!file?.startsWith(`${packageName}/`)) continue;
    const { scriptSource } = await session.post("Debugger.getScriptSource", { scriptId });
    for (const { functionName, ranges } of functions) {
      const [{ startOffset, endOffset, count } = { startOffset: 0, endOffset: 0, count: 0 }] = ranges;
      if (isExport(scriptSource.slice(startOffset, endOffset))) continue;
      for (let left = count; left > 0; left -= 1) entered.push(`${file}:${functionName}`);
    }
  }
  session.disconnect();
  if (entered.length === 0) throw new Error(`The call entered no function of packages/${packageName}.`);
  return entered;
}

/** Whether a function is how the test runner reads an export, which costs nothing outside of it. */
function isExport(source: string): boolean {
  return /^\(\) ?=> ?\{ ?try ?\{ ?return [\w$.]+;? ?\} ?catch/.test(source);
}
