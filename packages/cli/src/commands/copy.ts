import type { FullStore } from "@kv/core";
import type { Call, Command } from "../command.ts";
import { type CopyCounts, copyStore } from "../copy-store.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import type { Location } from "../location.ts";
import { withProgress } from "../progress.ts";
import { confirmed } from "../question.ts";
import { answer, answerJson, printableJson } from "../terminal.ts";

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
      const question = `${to.shown} holds entries there already. Replace those of the same key?`;
      if (!(await confirmed(terminal, question))) {
        call.tell("Nothing was copied. With --if-absent only what is missing is copied.");
        return exitCodes.no;
      }
    }
    const counts = await run(call, source, target);
    if (options.json) await answerJson(terminal, counts);
    else await answer(terminal, `${described(counts)}\n`);
    return counts.damaged === 0 ? exitCodes.done : exitCodes.failed;
  },
};

/** Copying a namespace into itself would be without end, and onto itself would undo what others write meanwhile. */
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
    throw new UsageError("Source and target are one namespace, or one lies in the other.");
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
          call.tell(
            `Not copied, for it is damaged: the key ${printableJson(key)} in ${printableJson(namespace)}.`,
          ),
      }),
    );
  } catch (error) {
    if (counts !== undefined) {
      call.tell(
        `Stopped after: ${described(counts)}. Run it again to go on${ifAbsent ? "" : " (with --if-absent, to leave alone what was copied)"}.`,
      );
    }
    throw error;
  }
}

function described({ copied, bytes, kept, gone, damaged }: CopyCounts): string {
  return [
    `${copied} entries copied (${bytes} bytes)`,
    ...(kept > 0 ? [`${kept} left alone, being there already`] : []),
    ...(gone > 0 ? [`${gone} gone meanwhile`] : []),
    ...(damaged > 0 ? [`${damaged} damaged`] : []),
  ].join(", ");
}
