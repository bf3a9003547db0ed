import { type Command, openFirst } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { withProgress } from "../progress.ts";
import { confirmed } from "../question.ts";
import { answerJson } from "../terminal.ts";

export const deleteAll: Command = {
  operands: "STORE",
  summary: "delete everything in a namespace and below it; asks first",
  count: [1, 1],
  options: ["namespace", "yes", "progress", "json", "timeout"],
  async run(call) {
    const { options, terminal } = call;
    const { store, shown } = await openFirst(call);
    const path = options.namespace.map((name) => JSON.stringify(name)).join(" / ");
    const what = `everything in ${path === "" ? "" : `the namespace ${path} of `}${shown}, with all namespaces below`;
    if (!options.yes && !(await confirmed(terminal, `Delete ${what}?`))) {
      call.tell("Nothing was deleted.");
      return exitCodes.no;
    }
    await withProgress(
      terminal,
      options.progress,
      () => `deleting ${what}`,
      () => store.deleteAll(),
    );
    if (options.json) await answerJson(terminal, { deleted: true });
    return exitCodes.done;
  },
};
