import { describeType } from "../errors/caller-error.ts";

/**
 * The first part of a value that JSON would turn into something else, and what it is: `at.from is a Date`. `undefined`
 * where all of it comes back as it was. The value has no cycle.
 */
export function unfaithfulPart(value: unknown): string | undefined {
  const found = partOf(value);
  if (found === undefined) return undefined;
  const path = found.path.toReversed().join(".");
  return `${path === "" ? "it" : path} is ${found.kind}`;
}

interface Part {
  readonly kind: string;
  /** From the inside out. */
  readonly path: (string | number)[];
}

function partOf(value: unknown): Part | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : { kind: String(value), path: [] };
    case "object":
      break;
    default:
      return { kind: describeType(value), path: [] };
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) return partOfArray(value);
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (tag !== "Object") return { kind: `a ${tag}`, path: [] };
  return typeof Reflect.get(value, "toJSON") === "function" ? undefined : partOfObject(value);
}

function partOfArray(items: readonly unknown[]): Part | undefined {
  for (let at = 0; at < items.length; at += 1) {
    const found = partOf(items[at]);
    if (found !== undefined) return within(at, found);
  }
  return undefined;
}

function partOfObject(object: object): Part | undefined {
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue; // left out, and undefined again when it is read
    const found = partOf(value);
    if (found !== undefined) return within(name, found);
  }
  return undefined;
}

function within(step: string | number, part: Part): Part {
  part.path.push(step);
  return part;
}
