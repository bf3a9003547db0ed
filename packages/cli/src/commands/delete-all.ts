import { confirm } from "../terminal/confirm.ts";
import { withProgress } from "../terminal/progress.ts";
import { writeJson } from "../terminal/terminal.ts";
import { exitCodes } from "../usage/exit-codes.ts";
import { type Command, openFirst } from "./command.ts";

export const deleteAll: Command = {
  operands: "STORE",
  summary: "delete everything in a namespace and below it; asks first",
  count: [1, 1],
  options: ["namespace", "yes", "progress", "json", "timeout"],
  async run(call) {
    const { options, terminal } = call;
    const { store, display } = await openFirst(call);
    const path = options.namespace.map((name) => JSON.stringify(name)).join(" / ");
    const what = `everything in ${path === "" ? "" : `the namespace ${path} of `}${display}, with all namespaces below`;
    if (!options.yes && !(await confirm(terminal, `Delete ${what}?`))) {
      call.printNotice("Nothing was deleted.");
      return exitCodes.no;
    }
    await withProgress(
      terminal,
      options.progress,
      () => `deleting ${what}`,
      () => store.deleteAll(),
    );
    if (options.json) await writeJson(terminal, { deleted: true });
    return exitCodes.done;
  },
};
