import { type Call, type Command, openFirst } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { answer, isPrintable, printableJson } from "../terminal.ts";

const common = { operands: "STORE", count: [1, 1], options: ["namespace", "json", "timeout"] } as const;

export const keys: Command = {
  ...common,
  summary: "list the keys of a namespace, one a line",
  run: async (call) => list(call, (await openFirst(call)).store.keys()),
};

export const namespaces: Command = {
  ...common,
  summary: "list the namespaces directly below that hold something",
  run: async (call) => list(call, (await openFirst(call)).store.namespaces()),
};

async function list({ options, terminal }: Call, names: AsyncIterable<string>): Promise<ExitCode> {
  for await (const name of names) {
    await answer(terminal, `${options.json || !isPlain(name) ? printableJson(name) : name}\n`);
  }
  return exitCodes.done;
}

/** What is not is told in JSON, so that a line is a name whatever it holds: only JSON begins with a quote. */
function isPlain(name: string): boolean {
  return name !== "" && !name.startsWith('"') && isPrintable(name);
}
