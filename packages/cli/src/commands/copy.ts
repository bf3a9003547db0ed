import type { FullStore } from "@kv/core";
import { type CopyCounts, copyStore } from "../copy/copy-store.ts";
import type { Location } from "../location/location.ts";
import { confirm } from "../terminal/confirm.ts";
import { withProgress } from "../terminal/progress.ts";
import { printableJson, write, writeJson } from "../terminal/terminal.ts";
import { exitCodes, UsageError } from "../usage/exit-codes.ts";
import type { Call, Command } from "./command.ts";

export const copy: Command = {
  operands: "FROM TO",
  summary: "copy a namespace and all below it, with every expiry; can be run again",
  count: [2, 2],
  options: ["namespace", "to-namespace", "if-absent", "yes", "progress", "json", "timeout"],
  async run(call) {
    const { options, terminal } = call;
    const [from, to] = call.operands.map((operand) => call.locate(operand)) as [Location, Location];
    const toNamespace = options.toNamespace ?? options.namespace;
    refuseOverlap(from, options.namespace, to, toNamespace);
    const source = await call.open(from, options.namespace, true);
    const target = await call.open(to, toNamespace, false);
    if (!options.yes && !options.ifAbsent && (await holdsSomething(target))) {
      const question = `${to.display} holds entries there already. Replace those with the same key?`;
      if (!(await confirm(terminal, question))) {
        call.printNotice("Nothing was copied. Pass --if-absent to copy only missing keys.");
        return exitCodes.no;
      }
    }
    const counts = await run(call, source, target);
    if (options.json) await writeJson(terminal, counts);
    else await write(terminal, `${described(counts)}\n`);
    return counts.damaged === 0 ? exitCodes.done : exitCodes.failed;
  },
};

/** Copying a namespace into itself would never end, and onto itself would undo concurrent writes. */
function refuseOverlap(
  from: Location,
  fromNamespace: readonly string[],
  to: Location,
  toNamespace: readonly string[],
): void {
  if (from.identity !== to.identity) return;
  const fromPath = [...from.path, ...fromNamespace];
  const toPath = [...to.path, ...toNamespace];
  const shared = Math.min(fromPath.length, toPath.length);
  if (fromPath.slice(0, shared).every((name, at) => name === toPath[at])) {
    throw new UsageError("Source and target are the same namespace, or one contains the other.");
  }
}

async function holdsSomething(store: FullStore): Promise<boolean> {
  for await (const _ of store.keys()) return true;
  for await (const _ of store.namespaces()) return true;
  return false;
}

async function run(call: Call, source: FullStore, target: FullStore): Promise<CopyCounts> {
  const { ifAbsent, progress } = call.options;
  let counts: CopyCounts | undefined;
  const describe = (): string => (counts === undefined ? "copying" : described(counts));
  try {
    return await withProgress(call.terminal, progress, describe, () =>
      copyStore(source, target, {
        ifAbsent,
        onProgress: (latest) => {
          counts = latest;
        },
        onDamaged: (namespace, key) =>
          call.printNotice(
            `Not copied because it is damaged: the key ${printableJson(key)} in ${printableJson(namespace)}.`,
          ),
      }),
    );
  } catch (error) {
    if (counts !== undefined) {
      call.printNotice(
        `Stopped after: ${described(counts)}. Run it again to continue${ifAbsent ? "" : " (with --if-absent, to skip what was copied)"}.`,
      );
    }
    throw error;
  }
}

function described({ copied, bytes, kept, gone, damaged }: CopyCounts): string {
  return [
    `${copied} entries copied (${bytes} bytes)`,
    ...(kept > 0 ? [`${kept} skipped, as they exist already`] : []),
    ...(gone > 0 ? [`${gone} gone in the meantime`] : []),
    ...(damaged > 0 ? [`${damaged} damaged`] : []),
  ].join(", ");
}
