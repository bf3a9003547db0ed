import { setImmediate } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { guarded, inBackground, orWarn } from "../src/driver.ts";

describe("work in the background", () => {
  const emitted = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);

  beforeEach(() => emitted.mockClear());
  afterAll(() => emitted.mockRestore());

  /** What was told, each as its text and what stands with it. */
  const warnings = (): { text: string; code: string; type: string; detail: string }[] =>
    emitted.mock.calls.map(([text, options]) => ({ text, ...(options as object) }) as never);

  const failures = [
    {
      how: "throws",
      work: () => {
        throw new Error("broken");
      },
    },
    { how: "rejects", work: async () => Promise.reject(new Error("broken")) },
    {
      how: "gives a thenable that fails",
      work: () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried here
        then: (_: unknown, reject: (error: Error) => void) => reject(new Error("broken")),
      }),
    },
  ];

  test.each(failures)("that $how becomes a process warning", async ({ work }) => {
    guarded(work)();
    inBackground(work);
    await orWarn(work);
    await setImmediate();
    expect(warnings()).toHaveLength(3);
    for (const warning of warnings()) {
      expect(warning).toMatchObject({ type: "KvWarning", code: "KV_BACKGROUND" });
      expect(warning.text).toContain("broken");
      expect(warning.detail).toContain("background.test.ts");
    }
  });

  test.each([undefined, null, "secret", Object.create(null)])(
    "that throws what is no error (%o) becomes one too, without the value",
    async (thrown: unknown) => {
      guarded(() => {
        throw thrown;
      })();
      await setImmediate();
      expect(warnings()).toHaveLength(1);
      expect(`${warnings()[0]?.text} ${warnings()[0]?.detail}`).not.toContain("secret");
    },
  );

  test("begins at once, with what it is given", () => {
    const work = vi.fn<(a: number, b: string) => void>();
    guarded(work)(1, "two");
    expect(work).toHaveBeenCalledExactlyOnceWith(1, "two");
    inBackground(() => work(3, "four"));
    expect(work).toHaveBeenLastCalledWith(3, "four");
  });

  test("orWarn resolves when the work is over", async () => {
    let over = false;
    await orWarn(async () => {
      await setImmediate();
      over = true;
    });
    expect(over).toBe(true);
  });
});

test("where there is no process, a failure is told to the console", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.stubGlobal("process", undefined);
  try {
    await orWarn(() => {
      throw new Error("broken");
    });
    expect(warned.mock.calls[0]?.[0]).toContain("broken");
  } finally {
    vi.unstubAllGlobals();
    warned.mockRestore();
  }
});
