import { isPrintable, printableJson, write, writeJson } from "../terminal/terminal.ts";
import { type ExitCode, exitCodes } from "../usage/exit-codes.ts";
import { type Call, type Command, openFirst } from "./command.ts";
import { encodeValue } from "./write-value.ts";

const common = { operands: "STORE", count: [1, 1] } as const;

export const keys: Command = {
  ...common,
  summary: "list the keys of a namespace, one a line",
  options: ["namespace", "prefix", "json", "timeout"],
  async run(call) {
    const { store } = await openFirst(call);
    return list(call, store.keys({ prefix: call.options.prefix }));
  },
};

export const entries: Command = {
  ...common,
  summary: "list the keys of a namespace with their values, in JSON, one a line",
  options: ["namespace", "prefix", "json", "timeout"],
  async run(call) {
    const { store } = await openFirst(call);
    for await (const [key, value] of store.entries({ prefix: call.options.prefix })) {
      await writeJson(call.terminal, { key, ...encodeValue(value) });
    }
    return exitCodes.done;
  },
};

export const namespaces: Command = {
  ...common,
  options: ["namespace", "json", "timeout"],
  summary: "list the namespaces directly below that hold something",
  run: async (call) => list(call, (await openFirst(call)).store.namespaces()),
};

async function list({ options, terminal }: Call, names: AsyncIterable<string>): Promise<ExitCode> {
  for await (const name of names) {
    await write(terminal, `${options.json || !isPlain(name) ? printableJson(name) : name}\n`);
  }
  return exitCodes.done;
}

/** Other names are printed as JSON, so that each line is one name whatever it holds: only JSON begins with a quote. */
function isPlain(name: string): boolean {
  return name !== "" && !name.startsWith('"') && isPrintable(name);
}
