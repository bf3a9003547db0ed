import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript-6";
import { expect, test } from "vitest";

// A broken store may reject any call. A promise that a case of the testkit makes and does not await yet would then end the
// process: it is awaited where it is made, given to the caller, or marked as in flight. The calls themselves are handled by the
// recorder of the runner.

const repository = new URL("../../", import.meta.url).pathname;
const src = join(repository, "packages/testkit/src");
const rooms = ["cases", "model", "history", "support"];

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  customConditions: ["@kv/source"],
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  types: ["node"],
};

/** A case that was never written, in a file that is not there. */
const tried = join(src, "cases/tried.ts");

function programOf(files: readonly string[], text = ""): ts.Program {
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === tried ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true) : read(name, ...rest);
  return ts.createProgram({ rootNames: files, options, host });
}

const neverRejects = ["inFlight", "Promise.allSettled"];

/** The calls in a file that make promises which nothing handles if they reject early. */
function unhandledIn(program: ts.Program, source: ts.SourceFile): string[] {
  const checker = program.getTypeChecker();
  const found: string[] = [];

  function isPromise(type: ts.Type): boolean {
    if (type.isUnion()) return type.types.some(isPromise);
    if (type.symbol?.name === "Promise") return true;
    return (
      checker.isArrayLikeType(type) && checker.getTypeArguments(type as ts.TypeReference).some(isPromise)
    );
  }

  /** A call on a store or on its listing: the recorder handles what it gives. */
  function isRecorded(node: ts.Node): boolean {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
    const receiver = checker.getTypeAtLocation(node.expression.expression);
    return (
      (receiver.getProperty("expiresIn") !== undefined && receiver.getProperty("deleteAll") !== undefined) ||
      receiver.symbol?.name === "AsyncIterator"
    );
  }

  /** `keys.map((key) => store.get(key))`: as good as the calls themselves. */
  function mapsToRecorded(node: ts.CallExpression): boolean {
    return node.arguments.some(
      (each) =>
        ts.isArrowFunction(each) &&
        !each.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) &&
        isRecorded(each.body),
    );
  }

  function isHandled(node: ts.Node): boolean {
    const { parent } = node;
    if (ts.isAwaitExpression(parent) || ts.isReturnStatement(parent)) return true;
    if (ts.isArrowFunction(parent)) return parent.body === node;
    if (ts.isPropertyAccessExpression(parent)) return true; // a chain is looked at as a whole
    if (ts.isCallExpression(parent) && parent.arguments.includes(node as ts.Expression)) {
      const callee = parent.expression.getText();
      // A function that takes promises and gives one awaits them.
      return (
        callee === "inFlight" ||
        callee.startsWith("Promise.") ||
        (isPromise(checker.getTypeAtLocation(parent)) && isHandled(parent))
      );
    }
    const passesOn =
      ts.isParenthesizedExpression(parent) ||
      ts.isAsExpression(parent) ||
      ts.isNonNullExpression(parent) ||
      ts.isConditionalExpression(parent) ||
      ts.isBinaryExpression(parent) ||
      ts.isSpreadElement(parent) ||
      ts.isArrayLiteralExpression(parent);
    return passesOn && isHandled(parent);
  }

  function visit(node: ts.Node): void {
    if (
      (ts.isCallExpression(node) || ts.isNewExpression(node)) &&
      isPromise(checker.getTypeAtLocation(node)) &&
      !isRecorded(node) &&
      !neverRejects.includes(node.expression.getText()) &&
      !(ts.isCallExpression(node) && mapsToRecorded(node)) &&
      !isHandled(node)
    ) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${relative(repository, source.fileName)}:${line + 1} ${node.getText().split("\n")[0]}`);
    }
    node.forEachChild(visit);
  }

  visit(source);
  return found;
}

test("no promise that a case makes is left alone", () => {
  const files = rooms.flatMap((room) =>
    readdirSync(join(src, room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(src, room, file)),
  );
  const program = programOf(files);
  const sources = files.map((file) => program.getSourceFile(file) as ts.SourceFile);
  expect(sources.length).toBeGreaterThan(30);
  expect(sources.flatMap((source) => unhandledIn(program, source))).toEqual([]);
});

const statements: readonly (readonly [statement: string, complaints: number])[] = [
  ["await store.set('a', 'b');", 0],
  ["const set = store.set('a', 'b'); await other(); await set;", 0],
  ["const gets = keys.map((key) => store.get(key)); await other(); await Promise.all(gets);", 0],
  ["const found = other(); await store.get('a'); await found;", 1],
  ["const found = inFlight(other()); await store.get('a'); await found;", 0],
  ["await Promise.all(keys.map(async (key) => store.get(key)));", 0],
  ["const all = keys.map(async (key) => store.get(key)); await other(); await Promise.all(all);", 1],
  ["const all = Promise.all([other()]); await store.get('a'); await all;", 1],
  ["const all = Promise.allSettled([other()]); await store.get('a'); await all;", 0],
  ["const promises: Promise<void>[] = []; promises.push(other());", 1],
];

test("a promise that is left alone is found", () => {
  const text = statements
    .map(([statement], at) => `async function tried${at}(): Promise<void> { ${statement} }`)
    .join("\n");
  const program = programOf(
    [tried],
    `import type { FullStore } from "@kv/core";
import { inFlight } from "../support/in-flight.ts";
declare const store: FullStore;
declare const keys: string[];
declare function other(): Promise<void>;
${text}`,
  );
  const found = unhandledIn(program, program.getSourceFile(tried) as ts.SourceFile);
  const complaints = statements.map(
    (_, at) =>
      found.filter((each) => each.startsWith(`packages/testkit/src/cases/tried.ts:${at + 6} `)).length,
  );
  expect(complaints, found.join("\n")).toEqual(statements.map(([, count]) => count));
});
