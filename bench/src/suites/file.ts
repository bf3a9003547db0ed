import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@kv/file";
import { Keyv } from "keyv";
import { KeyvFile } from "keyv-file";
import { createStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";
import { type Comparison, compareSubjects, type Pace } from "../comparison.ts";
import { type Goal, outcomeOf } from "../goals.ts";
import { fileSystemOf } from "../machine.ts";
import { cases } from "../operations.ts";
import { type Subjects, serveSubject } from "../subject-process.ts";
import { bareFiles, bareSyncedFiles, promisedFiles } from "../subjects/bare-files.ts";
import { ours } from "../subjects/ours.ts";
import { keyv, unstorageOfBytes } from "../subjects/peers.ts";

const measured = [
  ...cases(["get hit", "set"], ["100 B", "10 KiB"], [1, 32]),
  ...cases(["get miss"], ["100 B"], [1, 32]),
  ...cases(["getMany 100", "setMany 100", "deleteAll 1000"], ["100 B"], [1]),
  ...cases(["get hit", "set"], ["1 MiB"], [1]),
];

const peers = ["unstorage", "keyv, keyv-file"];

const goals: readonly Goal[] = [
  ...cases(["get hit"], ["100 B", "10 KiB"], [1, 32]).map((where) => ({ ...where, others: peers, least: 8 })),
  { operation: "set", size: "100 B", concurrency: 1, others: ["unstorage"], least: 3 },
  { operation: "set", size: "100 B", concurrency: 32, others: ["unstorage"], least: 0.8 },
  { operation: "get miss", size: "100 B", concurrency: 1, others: ["fs/promises"], least: 15 },
];

const subjects: Subjects = {
  fs: (directory) => bareFiles(join(directory, "bare")),
  "@kv/file": (directory) => ours(fileStore({ directory: join(directory, "ours"), durability: "none" })),
  "fs/promises": (directory) => promisedFiles(join(directory, "promised")),
  unstorage: (directory) =>
    unstorageOfBytes(createStorage({ driver: fsDriver({ base: join(directory, "unstorage") }) })),
  "keyv, keyv-file": (directory) =>
    keyv(
      new Keyv({ store: new KeyvFile({ filename: join(directory, "keyv-file/all"), separatedFile: true }) }),
    ),
};

const durablyMeasured = [
  ...cases(["set"], ["100 B", "10 KiB"], [1, 32]),
  ...cases(["setMany 100", "deleteAll 1000"], ["100 B"], [1]),
  ...cases(["set"], ["1 MiB"], [1]),
];

const durableGoals: readonly Goal[] = cases(["set"], ["100 B"], [1, 32]).map((where) => ({
  ...where,
  others: ["fs, fsync"],
  least: 1,
}));

/** By themselves: what others write without syncing it is synced with them. */
const durableSubjects: Subjects = {
  "fs, fsync": (directory) => bareSyncedFiles(join(directory, "bare")),
  "@kv/file, durability full": (directory) => ours(fileStore({ directory: join(directory, "ours") })),
};

/** As measured with a profiler. */
const limits: readonly string[] = [
  "A get of 100 B is three calls of the system, which take some 5 of 7.4 microseconds: a file lies three directories deep under a name of 64 characters. The rest is the hash of the key, two checksums, the array that the caller owns and the order of calls. Of 10 KiB the checksum takes another 3 microseconds. With 32 in flight the peers use four threads, and we one: `fs` by hand is no more than 4 to 6 times as fast as they are.",
  "Of a miss that follows a miss, the answer of the system takes about 3 microseconds where a read by promises takes 36 to 56: with anything beside that, 15 times is out of reach.",
  "A set is four calls of the system, as by hand: write a new file, rename it. Where another process changes something in the namespace too, there are three more, for the lock. With 32 in flight the peers use four threads and overwrite in place, where a reader may see half a value.",
  "On ext4 a rename over an existing file begins a write-back, whoever does it: `fs` by hand is slower than those that overwrite in place. Where one would rename to a new name and unlink the old, a reader could find neither.",
];

serveSubject({ ...subjects, ...durableSubjects });

/** In a folder below the one given. */
export async function files(parent: string, pace: Pace): Promise<Comparison> {
  const target = mkdtempSync(join(parent, "kv-bench-"));
  try {
    const lines = await compareSubjects(
      { module: new URL(import.meta.url), names: Object.keys(subjects), target, cases: measured },
      pace,
    );
    return {
      title: `Files on ${fileSystemOf(target)}`,
      base: "fs",
      ours: "@kv/file",
      notes: [
        "`fs` is synchronous calls by hand: a file an entry, replaced by a rename. `fs/promises` overwrites in place, as unstorage does.",
        '`@kv/file` is measured with `durability: "none"`, beside those that do not sync either.',
        "keyv-file is told to keep a file for each entry (`separatedFile`).",
      ],
      lines,
      pictured: [
        ["get hit", "100 B", 1],
        ["set", "100 B", 1],
      ],
      limits,
      outcomes: goals.map((goal) => outcomeOf(goal, "@kv/file", lines)),
    };
  } finally {
    rmSync(target, { recursive: true });
  }
}

/** The same where what is written outlasts a power cut. */
export async function durableFiles(parent: string, pace: Pace): Promise<Comparison> {
  const target = mkdtempSync(join(parent, "kv-bench-"));
  try {
    const lines = await compareSubjects(
      {
        module: new URL(import.meta.url),
        names: Object.keys(durableSubjects),
        target,
        cases: durablyMeasured,
      },
      pace,
    );
    return {
      title: `Files on ${fileSystemOf(target)}, synced`,
      base: "fs, fsync",
      ours: "@kv/file, durability full",
      notes: [
        '`fs, fsync` is as `fs` above, and syncs the file and its directory, synchronously. `@kv/file` with `durability: "full"`, the default, syncs by threads of the pool, so that the event loop goes on.',
      ],
      lines,
      pictured: [["set", "100 B", 1]],
      limits: [
        "A sync by a thread of the pool costs the way there and back, 30 to 50 microseconds, which shows where a sync takes little longer than that, as here. With many in flight four threads sync at a time.",
      ],
      outcomes: durableGoals.map((goal) => outcomeOf(goal, "@kv/file, durability full", lines)),
    };
  } finally {
    rmSync(target, { recursive: true });
  }
}
