const longestText = 60;
const longestBytes = 16;

/** A value as a message shows it: short, on one line, with nothing invisible in it. */
export function inspect(value: unknown): string {
  if (typeof value === "string") return inspectText(value);
  if (value instanceof Uint8Array) return inspectBytes(value);
  if (value instanceof Error)
    return `${value.name} ${"code" in value ? `${String(value.code)} ` : ""}(${value.message})`;
  if (Array.isArray(value)) {
    const some = value.slice(0, 8).map(inspect).join(", ");
    return value.length > 8 ? `[${some}, … ${value.length} in all]` : `[${some}]`;
  }
  if (value instanceof Map || value instanceof Set) return inspect([...value]);
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${inspect(field)}`);
    return `{ ${fields.join(", ")} }`;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

function inspectText(text: string): string {
  const start = text.slice(0, longestText);
  const escaped = JSON.stringify(start).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length > longestText ? `${escaped}… (${text.length} characters)` : escaped;
}

function inspectBytes(bytes: Uint8Array): string {
  // Byte by byte: of an array whose buffer was handed over there is no part to be taken.
  const length = Math.min(bytes.length, longestBytes);
  const start = Array.from({ length }, (_, at) => bytes[at]?.toString(16).padStart(2, "0"));
  const more = bytes.length > longestBytes ? "…" : "";
  return `<${bytes.length} bytes${bytes.length === 0 ? "" : ": "}${start.join(" ")}${more}>`;
}

const units: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

/** Shows a duration in the largest unit that fits: `1.5h`, `40ms`. */
export function inspectDuration(ms: number): string {
  const [unit, unitMs] = units.find((each) => ms >= each[1]) ?? ["ms", 1];
  return `${Number((ms / unitMs).toFixed(unit === "ms" ? 0 : 3))}${unit}`;
}
