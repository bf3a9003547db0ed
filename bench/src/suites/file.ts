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
  "@kv/file, durability full": (directory) => {
    const store = fileStore({ directory: join(directory, "synced") });
    const { set, deleteAll } = ours(store);
    return { ...(set && { set }), ...(deleteAll && { deleteAll }), close: () => store.close() };
  },
  "fs, fsync": (directory) => bareSyncedFiles(join(directory, "bare-synced")),
};

/** As measured with a profiler. */
const limits: readonly string[] = [
  "Of a get of 100 B, 72 % of the time of the processor goes into the three calls of the system, 46 % into `open`: a file lies in one of 256 directories under a name of 64 characters, where `fs` has all files in one directory under short names. What is written in JavaScript takes 10 %.",
  "Of a miss, `openSync` takes 6.9 of 11 microseconds, most of it for the exception that Node makes (`statSync` without an exception answers in 2.2). To ask first would make every hit 1.2 microseconds slower, and `existsSync` says `false` of a directory that may not be looked into, which must not pass for a miss.",
  "A set is seven calls of the system, two renames among them: write a new file, take the lock, put it in place, let go of the lock. Without the lock it would be four, and no longer exact beside `increment` and `compareAndSet` of other processes. With 32 at once the peers use four threads and we one; they overwrite in place, where a reader may see half a value.",
  "On ext4 a rename over an existing file begins a write-back, whoever does it: `fs` by hand is as slow.",
];

serveSubject(subjects);

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
        "`fs` is synchronous calls by hand: a file an entry, replaced by a rename. `fs, fsync` is the same and syncs the file and its directory. `fs/promises` overwrites in place, as unstorage does.",
        '`@kv/file` is measured with `durability: "none"`, beside those that do not sync either; `durability: "full"`, which is what a store has unless told, stands beside `fs, fsync`.',
        "keyv-file is told to keep a file for each entry (`separatedFile`).",
      ],
      lines,
      pictured: [
        ["get hit", "100 B", 1],
        ["set", "100 B", 1],
      ],
      limits,
      outcomes: [
        ...goals.map((goal) => outcomeOf(goal, "@kv/file", lines)),
        outcomeOf(
          { operation: "set", size: "100 B", concurrency: 1, others: ["fs, fsync"], least: 1 },
          "@kv/file, durability full",
          lines,
        ),
      ],
    };
  } finally {
    rmSync(target, { recursive: true });
  }
}
