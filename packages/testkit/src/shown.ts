const longestText = 60;
const longestBytes = 16;

/** A value as a message shows it: short, on one line, with nothing invisible in it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return shownText(value);
  if (value instanceof Uint8Array) return shownBytes(value);
  if (value instanceof Error)
    return `${value.name} ${"code" in value ? `${String(value.code)} ` : ""}(${value.message})`;
  if (Array.isArray(value)) {
    const some = value.slice(0, 8).map(shown).join(", ");
    return value.length > 8 ? `[${some}, … ${value.length} in all]` : `[${some}]`;
  }
  if (value instanceof Map || value instanceof Set) return shown([...value]);
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${shown(field)}`);
    return `{ ${fields.join(", ")} }`;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

function shownText(text: string): string {
  const start = text.slice(0, longestText);
  const escaped = JSON.stringify(start).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length > longestText ? `${escaped}… (${text.length} characters)` : escaped;
}

function shownBytes(bytes: Uint8Array): string {
  const start = Array.from(bytes.subarray(0, longestBytes), (byte) => byte.toString(16).padStart(2, "0"));
  const more = bytes.length > longestBytes ? "…" : "";
  return `<${bytes.length} bytes${bytes.length === 0 ? "" : ": "}${start.join(" ")}${more}>`;
}
