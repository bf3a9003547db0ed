import { buffer } from "node:stream/consumers";
import { writeJson } from "../terminal/terminal.ts";
import { exitCodes } from "../usage/exit-codes.ts";
import { type Command, openFirst } from "./command.ts";

export const set: Command = {
  operands: "STORE KEY [VALUE]",
  summary: "store a value, given here or on stdin, byte for byte",
  count: [2, 3],
  options: ["namespace", "expires-in", "keep-expiry", "if-absent", "json", "timeout"],
  async run(call) {
    const { options, terminal } = call;
    const { store, rest } = await openFirst(call, false);
    const [key = "", given] = rest;
    if (given === undefined && terminal.stdin.isTTY === true)
      call.printNotice("Type the value; Ctrl-D ends it.");
    const value = given ?? (await buffer(terminal.stdin));

    let done = true;
    if (options.ifAbsent) done = await store.setIfAbsent(key, value, { expiresIn: options.expiresIn });
    else if (options.keepExpiry) await store.set(key, value, { keepExpiry: true });
    else await store.set(key, value, { expiresIn: options.expiresIn });

    if (options.json) await writeJson(terminal, { set: done });
    else if (!done) call.printNotice("The key exists already, and was left as it is.");
    return done ? exitCodes.done : exitCodes.no;
  },
};
