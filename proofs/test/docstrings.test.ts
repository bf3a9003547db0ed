import { createRequire } from "node:module";
import { join } from "node:path";
import ts from "typescript-6";
import { describe, expect, test } from "vitest";
import { published } from "./published.ts";

// What a person hovers says what it does. And each public function shows how it is used; those examples are compiled by
// readme-examples.test.ts.

const repository = new URL("../../", import.meta.url).pathname;
const require = createRequire(import.meta.url);

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly "@kv/source"?: string }>>;
}

/** The entries of each package, as its sources: `@kv/core`, `@kv/core/driver`. */
const entries = published.flatMap((name) => {
  const { exports } = require(`../../packages/${name}/package.json`) as Manifest;
  return Object.entries(exports).flatMap(([path, target]) => {
    const source = typeof target === "string" ? undefined : target["@kv/source"];
    if (source === undefined) return [];
    return [{ entry: join(`@kv/${name}`, path), file: join(repository, "packages", name, source) }];
  });
});

const program = ts.createProgram({
  rootNames: entries.map(({ file }) => file),
  options: {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    customConditions: ["@kv/source"],
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    types: [],
  },
});
const checker = program.getTypeChecker();

/** Interfaces whose own docstring tells of all their members: shapes that clients and Keyv give. */
const toldAsAWhole = [
  "IoredisClient",
  "KeyvStore",
  "KeyvStoreCapabilities",
  "KeyvStoreEntry",
  "KeyvStoreEvents",
  "KeyvStoreMethodInfo",
  "SafeClientOptions",
  "SafeClusterOptions",
  "ServerAddress",
];

/** What an entry exports and declares itself, or in files beside it. */
function exportsOf(file: string): { name: string; symbol: ts.Symbol; declaration: ts.Declaration }[] {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} exports nothing.`);
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    const [declaration] = symbol.declarations ?? [];
    return declaration === undefined ? [] : [{ name: exported.name, symbol, declaration }];
  });
}

function isDocumented(symbol: ts.Symbol): boolean {
  return symbol.getDocumentationComment(checker).length > 0;
}

/** The members of an interface or class that a person hovers. */
function membersOf(symbol: ts.Symbol): ts.Symbol[] {
  return [...(symbol.members?.values() ?? [])].filter(({ declarations: [member] = [] }) => {
    if (member === undefined || !(ts.isClassElement(member) || ts.isTypeElement(member))) return false;
    if (member.name === undefined || !(ts.isIdentifier(member.name) || ts.isStringLiteral(member.name)))
      return false; // private, or a symbol
    return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Override) === 0;
  });
}

/** Those of them that say nothing. */
function silentMembers(name: string, symbol: ts.Symbol): string[] {
  return membersOf(symbol)
    .filter((member) => !isDocumented(member))
    .map((member) => `${name}.${member.name}`);
}

/** A docstring of a function or method begins so: "Gets the value". */
const verb = /^(?:[A-Z][a-z]+s|Does|Has)\b/;
/** No docstring begins so: it would say that there is something, and not what. */
const question = /^(?:What|Whether|How|Who|Whose|Where|When|Which|Was|Did)\b/;

/** The docstrings of an export and of its members that begin in another way than all others. */
function oddBeginnings(name: string, symbol: ts.Symbol, declaration: ts.Declaration): string[] {
  const isCallable = (node: ts.Node): boolean =>
    ts.isFunctionDeclaration(node) || ts.isMethodSignature(node) || ts.isMethodDeclaration(node);
  const told = [{ label: name, symbol, declaration }];
  if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) {
    for (const member of membersOf(symbol)) {
      const [node] = member.declarations ?? [];
      if (node !== undefined)
        told.push({ label: `${name}.${member.name}`, symbol: member, declaration: node });
    }
  }
  return told.flatMap(({ label, symbol: each, declaration: node }) => {
    const text = ts.displayPartsToString(each.getDocumentationComment(checker));
    const isOdd =
      text !== "" &&
      (question.test(text) || / unless told/i.test(text) || (isCallable(node) && !verb.test(text)));
    return isOdd ? [`${label}: ${text.slice(0, 60)}`] : [];
  });
}

describe.each(entries)("$entry", ({ entry, file }) => {
  test("says what each of its exports does, down to the methods and options", () => {
    const silent = exportsOf(file).flatMap(({ name, symbol, declaration }) => {
      const members =
        (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) &&
        !toldAsAWhole.includes(name)
          ? silentMembers(name, symbol)
          : [];
      const isFunction = ts.isFunctionDeclaration(declaration) || ts.isVariableDeclaration(declaration);
      return isFunction && !isDocumented(symbol) ? [name, ...members] : members;
    });
    expect(silent).toEqual([]);
  });

  test("begins what it says with a verb, or with a noun for what is none of a function", () => {
    const odd = exportsOf(file).flatMap(({ name, symbol, declaration }) =>
      oddBeginnings(name, symbol, declaration),
    );
    expect(odd).toEqual([]);
  });

  // Those of `/driver` and the like are for authors of backends, who have pages of their own.
  if (entry.split("/").length > 2) return;

  test("shows how each of its functions is used", () => {
    const unlike = exportsOf(file).flatMap(({ name, symbol, declaration }) => {
      if (!ts.isFunctionDeclaration(declaration)) return [];
      const examples = symbol.getJsDocTags(checker).filter((tag) => tag.name === "example");
      return examples.length === 1 ? [] : [`${name}: ${examples.length} examples`];
    });
    expect(unlike).toEqual([]);
  });
});
