import type { BatchStore, CreateOptions, TypedStore } from "@kv/core";
import { capMs, durationMs } from "@kv/core/driver";

type Texts = TypedStore<string, BatchStore>;

/**
 * @param ttl milliseconds, of which 1,000 years count; none, 0 and `Infinity` are no limit, and what ends before it
 *   begins is removed at once
 */
export async function setEntry(texts: Texts, key: string, value: unknown, ttl: number = 0): Promise<void> {
  const checked = checkText(value);
  if (ttl < 0) await texts.delete(key);
  else await texts.set(key, checked, lifetime(ttl));
}

/** `setEntry` for each, of a key given twice for the last. Nothing is written where one of them cannot be. */
export async function setEntries(
  texts: Texts,
  entries: readonly { readonly key: string; readonly value: unknown; readonly ttl?: number | undefined }[],
): Promise<void> {
  const last = new Map(entries.map(({ key, value, ttl = 0 }) => [key, { value: checkText(value), ttl }]));
  const over: string[] = [];
  const groups = new Map<
    number,
    { readonly options: CreateOptions; readonly together: [string, string][] }
  >();
  for (const [key, { value, ttl }] of last) {
    if (ttl < 0) {
      over.push(key);
      continue;
    }
    const group = groups.get(ttl) ?? { options: lifetime(ttl), together: [] };
    group.together.push([key, value]);
    groups.set(ttl, group);
  }
  await Promise.all([
    ...Array.from(groups.values(), ({ options, together }) => texts.setMany(together, options)),
    ...(over.length > 0 ? [texts.deleteMany(over)] : []),
  ]);
}

function lifetime(ttl: number): CreateOptions {
  if (ttl === 0 || ttl === Number.POSITIVE_INFINITY) return {};
  return { expiresIn: { milliseconds: durationMs({ milliseconds: capMs(ttl) }, "ttl") } };
}

function checkText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(
    `A Keyv must give its store text, not ${typeof value}. Leave its serialize and deserialize as they are, or set ones that make and read text.`,
  );
}
