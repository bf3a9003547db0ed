import { writeSync } from "node:fs";
import { type FileStoreOptions, fileStore } from "@kv/file";
import { valueOf } from "./ledger.ts";

// Writes without a pause until it is killed, and says of each call when it begins and when it was acknowledged.

const [options = "", me = "", keys = "4"] = process.argv.slice(2);
const store = fileStore(JSON.parse(options) as FileStoreOptions);
const own = store.withNamespace("own");
const shared = store.withNamespace("shared");

/** A line in one write to the pipe: it is there even if the next instruction is never reached. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function told(what: string, call: () => Promise<unknown>): Promise<void> {
  say(`begin ${what}`);
  try {
    await call();
  } catch (error) {
    say(`failed ${what} ${String(error)}`);
    return;
  }
  say(`done ${what}`);
}

for (let count = 1; ; count += 1) {
  const key = `${me}-${count % Number(keys)}`;
  switch (count % 6) {
    case 0:
      await told("increment", () => shared.increment("counter"));
      break;
    case 1:
      await told(`delete ${key} ${count}`, () => own.delete(key));
      break;
    case 2:
      await told(`claim ${me} ${count}`, async () => {
        if (await shared.setIfAbsent(`claim ${count}`, me)) say(`claimed ${count} ${me}`);
      });
      break;
    case 3:
      await told(`touch ${key}`, () => own.touch(key, "2h"));
      break;
    default:
      // Some of them large: those are written in pieces.
      await told(`set ${key} ${count}`, () =>
        own.set(key, valueOf(count, count % 24 === 4 ? 150_000 : 100), { expiresIn: "1h" }),
      );
  }
}
