import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { applyNames, type RecordedDirectory, type RecordedFile, type RecordedNode } from "./recorded-disk.ts";

/** What a power cut has left: a file by its contents, a directory by its names. */
export type Left = Buffer | Map<string, Left>;

/** A number of 0 to 1, the 1 excluded. */
export type Random = () => number;

/**
 * One of the states that a power cut at a moment may leave. Each directory has kept some first part of its steps, at
 * least those that were synced, whatever others have kept: a rename from one to another may have happened in one of
 * the two. Each sector of a file is as it was after some write since the last sync, zero where none had reached it;
 * the length is that after some write, or cut off at a sector.
 */
export function crashState(root: RecordedDirectory, cut: number, random: Random): Left {
  const keepsNames = pick<Keeping>(random, ["least", "most", "some", "most but one"]);
  const keepsBytes = pick<Keeping>(random, ["least", "most", "some"]);
  const files = new Map<RecordedFile, Buffer>();
  return leftOf(root);

  function leftOf(node: RecordedNode): Left {
    if (node.kind === "file") {
      const known = files.get(node);
      if (known !== undefined) return known;
      const bytes = bytesLeft(node, cut, keepsBytes, random);
      files.set(node, bytes);
      return bytes;
    }
    const names = namesLeft(node, cut, keepsNames, random);
    return new Map(Array.from(names, ([name, child]) => [name, leftOf(child)]));
  }
}

/** Puts what was left into an empty directory. What has two names has them here too. */
export function rebuild(left: Left, path: string, known: Map<Buffer, string> = new Map()): void {
  if (left instanceof Map) {
    mkdirSync(path, { mode: 0o700 });
    for (const [name, child] of left) rebuild(child, `${path}/${name}`, known);
    return;
  }
  const other = known.get(left);
  if (other === undefined) writeFileSync(path, left, { mode: 0o600, flag: "wx" });
  else linkSync(other, path);
  known.set(left, path);
}

/** The random numbers of a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Keeping = "least" | "most" | "some" | "most but one";

const sectorBytes = 512;

function namesLeft(
  { steps, syncs }: RecordedDirectory,
  cut: number,
  keeping: Keeping,
  random: Random,
): Map<string, RecordedNode> {
  const [least, most] = [countUpTo(steps, coveredAt(syncs, cut)), countUpTo(steps, cut)];
  const names = new Map<string, RecordedNode>();
  for (const step of steps.slice(0, kept(least, most, keeping, random))) applyNames(names, step.names);
  return names;
}

function bytesLeft({ writes, syncs }: RecordedFile, cut: number, keeping: Keeping, random: Random): Buffer {
  const [least, most] = [countUpTo(writes, coveredAt(syncs, cut)), countUpTo(writes, cut)];
  const versions: Buffer[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  for (let count = 0; count <= most; count += 1) {
    if (count > 0) bytes = written(bytes, writes[count - 1]?.position ?? 0, writes[count - 1]?.bytes);
    if (count >= least) versions.push(bytes);
  }
  const version = (): Buffer => versions[kept(0, versions.length - 1, keeping, random)] ?? bytes;
  const { length } = version();
  const left = Buffer.alloc(length);
  for (let at = 0; at < length; at += sectorBytes) {
    left.set(version().subarray(at, Math.min(at + sectorBytes, length)), at);
  }
  const surelyThere = versions[0]?.length ?? 0;
  if (keeping !== "some" || length === surelyThere || random() < 0.7) return left;
  const sectors = Math.floor((random() * (length - surelyThere)) / sectorBytes);
  return left.subarray(0, surelyThere + sectors * sectorBytes);
}

function written(before: Buffer, position: number, bytes: Buffer = Buffer.alloc(0)): Buffer {
  const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
  before.copy(after);
  bytes.copy(after, position);
  return after;
}

function kept(least: number, most: number, keeping: Keeping, random: Random): number {
  if (keeping === "least") return least;
  if (keeping === "most") return most;
  // Where one lags behind all others.
  if (keeping === "most but one") return random() < 0.15 ? least : most;
  const chance = random();
  if (chance < 0.35) return least;
  if (chance < 0.7) return most;
  return least + Math.floor(random() * (most - least + 1));
}

function countUpTo(changes: readonly { readonly at: number }[], moment: number): number {
  let count = 0;
  while (count < changes.length && (changes[count]?.at ?? 0) <= moment) count += 1;
  return count;
}

function coveredAt(syncs: RecordedDirectory["syncs"], cut: number): number {
  let covered = 0;
  for (const { covers, from } of syncs) if (from <= cut) covered = Math.max(covered, covers);
  return covered;
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}
