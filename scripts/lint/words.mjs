// Refuses the names that docs/glossary.md lists as retired: identifiers everywhere, phrases in comments and messages of src.

import { readFileSync } from "node:fs";

const glossary = readFileSync(new URL("../../docs/glossary.md", import.meta.url), "utf8");
const [, retired = ""] = glossary.split("## Retired names");
const rows = [...retired.matchAll(/^\| (.+?) *\| (.+?) *\|$/gm)].map(([, old, instead]) => ({
  old,
  instead,
}));

/** By retired identifier, and by retired phrase, what to say instead. */
const identifiers = new Map(
  rows.flatMap(({ old, instead }) => [...old.matchAll(/`(\w+)`/g)].map(([, name]) => [name, instead])),
);
const phrases = new Map(
  rows.flatMap(({ old, instead }) => [...old.matchAll(/"([^"]+)"/g)].map(([, name]) => [name, instead])),
);
const phrase = new RegExp(
  `\\b(${[...phrases.keys()].map((name) => name.replaceAll(" ", "[\\s*]+")).join("|")})\\b`,
  "i",
);

const retiredNames = {
  meta: { type: "problem", messages: { retired: "The glossary has retired “{{old}}”: {{instead}}" } },
  create(context) {
    const check = (node, text) => {
      const [old] = phrase.exec(text) ?? [];
      if (old === undefined) return;
      const instead = phrases.get(old.toLowerCase().replaceAll(/[\s*]+/g, " "));
      context.report({ node, messageId: "retired", data: { old, instead } });
    };
    const inSource = /[\\/]src[\\/]/.test(context.filename);
    return {
      Identifier(node) {
        const instead = identifiers.get(node.name);
        if (instead !== undefined)
          context.report({ node, messageId: "retired", data: { old: node.name, instead } });
      },
      PrivateIdentifier(node) {
        const instead = identifiers.get(node.name);
        if (instead !== undefined)
          context.report({ node, messageId: "retired", data: { old: `#${node.name}`, instead } });
      },
      Literal(node) {
        if (inSource && typeof node.value === "string") check(node, node.value);
      },
      TemplateElement(node) {
        if (inSource) check(node, node.value.cooked ?? "");
      },
      Program() {
        if (inSource)
          for (const comment of context.sourceCode.getAllComments()) check(comment, comment.value);
      },
    };
  },
};

export default { meta: { name: "words" }, rules: { retired: retiredNames } };
