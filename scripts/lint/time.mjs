// All clocks and timers are reached through `time` of @kv/core/driver, so that a test or a simulator can put its own there.

const globals = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
  "queueMicrotask",
]);
const members = new Set([
  "AbortSignal.timeout",
  "Date.now",
  "performance.now",
  "process.hrtime",
  "process.nextTick",
  "process.uptime",
]);
const modules = new Set(["timers", "timers/promises", "perf_hooks"]);

const instead =
  "goes by the runtime's own clock or timers, which no test can put another in the place of: use `time`, `sleep` or `settlesWithin` of @kv/core/driver.";

/** Whether an identifier names a variable, and not a property of something. */
function isReference(node) {
  const { parent } = node;
  if (parent.type === "MemberExpression") return parent.object === node;
  if (parent.type === "Property" || parent.type === "TSPropertySignature") return parent.key !== node;
  return !["MethodDefinition", "PropertyDefinition", "TSMethodSignature"].includes(parent.type);
}

const seam = {
  meta: { type: "problem", messages: { seam: `{{what}} ${instead}` } },
  create(context) {
    const report = (node, what) => context.report({ node, messageId: "seam", data: { what } });
    return {
      ImportDeclaration(node) {
        const name = node.source.value.replace(/^node:/, "");
        if (modules.has(name)) report(node, node.source.value);
      },
      Identifier(node) {
        if (globals.has(node.name) && isReference(node)) report(node, node.name);
      },
      MemberExpression(node) {
        const { object, property, computed } = node;
        if (computed || object.type !== "Identifier") return;
        const what = `${object.name}.${property.name}`;
        if (members.has(what) || (object.name === "globalThis" && globals.has(property.name)))
          report(node, what);
      },
      NewExpression(node) {
        if (node.callee.name === "Date" && node.arguments.length === 0) report(node, "new Date()");
      },
    };
  },
};

export default { meta: { name: "time" }, rules: { seam } };
