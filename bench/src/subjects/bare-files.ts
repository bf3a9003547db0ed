import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Subject } from "../subject.ts";

/** Files by hand, synchronously: a file an entry, replaced by a rename, so that nobody ever reads half of one. */
export function bareFiles(directory: string): Subject {
  mkdirSync(directory, { recursive: true });
  let written = 0;

  function read(key: string): Buffer | undefined {
    try {
      return readFileSync(join(directory, key));
    } catch (error) {
      return undefinedIfMissing(error);
    }
  }

  function write(key: string, bytes: Buffer): void {
    const temporary = join(directory, `${(written += 1)}.tmp`);
    writeFileSync(temporary, bytes, { flag: "wx" });
    renameSync(temporary, join(directory, key));
  }

  return {
    get: async (key) => read(key),
    set: async (key, { bytes }) => write(key, bytes),
    getMany: async (keys) => keys.map(read),
    async setMany(entries) {
      for (const [key, { bytes }] of entries) write(key, bytes);
    },
    async deleteAll() {
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
    },
  };
}

/** The same, and what was written outlasts a power cut: the file and its directory are synced. */
export function bareSyncedFiles(directory: string): Subject {
  const { deleteAll } = bareFiles(directory);
  let written = 0;
  return {
    async set(key, { bytes }) {
      const temporary = join(directory, `${(written += 1)}.tmp`);
      const file = openSync(temporary, "wx");
      writeFileSync(file, bytes);
      fsyncSync(file);
      closeSync(file);
      renameSync(temporary, join(directory, key));
      const parent = openSync(directory, "r");
      fsyncSync(parent);
      closeSync(parent);
    },
    ...(deleteAll && { deleteAll }),
  };
}

/** What most people write: promises, and files that are overwritten in place. */
export function promisedFiles(directory: string): Subject {
  if (!existsSync(directory)) mkdirSync(directory, { recursive: true });
  return {
    async get(key) {
      try {
        return await readFile(join(directory, key));
      } catch (error) {
        return undefinedIfMissing(error);
      }
    },
    set: (key, { bytes }) => writeFile(join(directory, key), bytes),
    async deleteAll() {
      await rm(directory, { recursive: true });
      await mkdir(directory);
    },
  };
}

function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  return undefined;
}
