import type { BatchStore, CreateOptions, TypedStore } from "@kv/core";
import { capMs, durationMs } from "@kv/core/driver";

type Texts = TypedStore<string, BatchStore>;

/**
 * Sets an entry, or removes it where the ttl is below 0.
 *
 * @param ttl milliseconds, at most 1,000 years; without one, and with 0 and `Infinity`, the entry does not expire
 */
export async function setEntry(texts: Texts, key: string, value: unknown, ttl: number = 0): Promise<void> {
  const checked = checkText(value);
  if (ttl < 0) await texts.delete(key);
  else await texts.set(key, checked, expiryOf(ttl));
}

/**
 * Sets entries as `setEntry` does; of a key given twice the last one counts. Nothing is written if one of them is
 * invalid.
 */
export async function setEntries(
  texts: Texts,
  entries: readonly { readonly key: string; readonly value: unknown; readonly ttl?: number | undefined }[],
): Promise<void> {
  const last = new Map(entries.map(({ key, value, ttl = 0 }) => [key, { value: checkText(value), ttl }]));
  const expired: string[] = [];
  const groups = new Map<number, { readonly options: CreateOptions; readonly pairs: [string, string][] }>();
  for (const [key, { value, ttl }] of last) {
    if (ttl < 0) {
      expired.push(key);
      continue;
    }
    const group = groups.get(ttl) ?? { options: expiryOf(ttl), pairs: [] };
    group.pairs.push([key, value]);
    groups.set(ttl, group);
  }
  await Promise.all([
    ...Array.from(groups.values(), ({ options, pairs }) => texts.setMany(pairs, options)),
    ...(expired.length > 0 ? [texts.deleteMany(expired)] : []),
  ]);
}

function expiryOf(ttl: number): CreateOptions {
  if (ttl === 0 || ttl === Number.POSITIVE_INFINITY) return {};
  return { expiresIn: { milliseconds: durationMs({ milliseconds: capMs(ttl) }, "ttl") } };
}

function checkText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(
    `A Keyv must give its store text, not ${typeof value}. Leave its serialize and deserialize as they are, or set ones that make and read text.`,
  );
}
