import { buffer } from "node:stream/consumers";
import { type Command, openFirst } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { answerJson } from "../terminal.ts";

export const set: Command = {
  operands: "STORE KEY [VALUE]",
  summary: "store a value, given here or on stdin, byte for byte",
  count: [2, 3],
  options: ["namespace", "expires-in", "keep-expiry", "if-absent", "json", "timeout"],
  async run(call) {
    const { options, terminal } = call;
    const { store, rest } = await openFirst(call, false);
    const [key = "", given] = rest;
    if (given === undefined && terminal.stdin.isTTY === true) call.tell("Type the value; Ctrl-D ends it.");
    const value = given ?? (await buffer(terminal.stdin));

    let done = true;
    if (options.ifAbsent) done = await store.setIfAbsent(key, value, { expiresIn: options.expiresIn });
    else if (options.keepExpiry) await store.set(key, value, { keepExpiry: true });
    else await store.set(key, value, { expiresIn: options.expiresIn });

    if (options.json) await answerJson(terminal, { set: done });
    else if (!done) call.tell("There is such a key already: it was left as it is.");
    return done ? exitCodes.done : exitCodes.no;
  },
};
