// Rules for work that nobody awaits: what fails there would end the process, so it is begun through `@kv/core/driver`.

const schedulers = new Set(["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "nextTick"]);
const listeners = new Set([
  "on",
  "once",
  "addListener",
  "prependListener",
  "prependOnceListener",
  "addEventListener",
]);
const settlers = new Set(["then", "catch", "finally"]);

function nameOf(callee) {
  if (callee.type === "ChainExpression") return nameOf(callee.expression);
  if (callee.type === "MemberExpression" && !callee.computed) return callee.property.name;
  return callee.type === "Identifier" ? callee.name : undefined;
}

/** The seam for time of `@kv/core/driver`, which guards what it calls. */
function isTime(object) {
  return object?.type === "Identifier" && object.name === "time";
}

/** Whether a call schedules its first argument, or listens with its second. */
function callbackOf({ callee, arguments: args }) {
  const name = nameOf(callee);
  if (schedulers.has(name)) return isTime(callee.object) ? undefined : args[0];
  // Not `once(emitter, event)` of node:events, which gives a promise.
  return listeners.has(name) && callee.type === "MemberExpression" ? args[1] : undefined;
}

const guarded = {
  meta: {
    type: "problem",
    messages: {
      guarded:
        "What {{name}} calls may throw, or reject, and end the process: pass guarded(...) of @kv/core/driver.",
    },
  },
  create(context) {
    /** Names of functions that cannot throw: those made by guarded, and what settles a promise. */
    const safe = new Set();
    const callbacks = [];
    let timersArePromises = false;

    function isGuarded(node) {
      return node?.type === "CallExpression" && nameOf(node.callee) === "guarded";
    }

    function settlersOf({ parent, params }) {
      if (parent.type !== "NewExpression" || parent.callee.name !== "Promise") return;
      for (const { type, name } of params) if (type === "Identifier") safe.add(name);
    }

    return {
      ImportDeclaration({ source }) {
        timersArePromises ||= source.value === "node:timers/promises";
      },
      VariableDeclarator({ id, init }) {
        if (isGuarded(init)) safe.add(id.name);
      },
      PropertyDefinition({ key, value }) {
        if (isGuarded(value)) safe.add(key.name);
      },
      ArrowFunctionExpression: settlersOf,
      FunctionExpression: settlersOf,
      CallExpression(node) {
        const callback = callbackOf(node);
        if (callback === undefined || (timersArePromises && node.callee.type === "Identifier")) return;
        callbacks.push({ node: callback, data: { name: nameOf(node.callee) } });
      },
      "Program:exit"() {
        for (const { node, data } of callbacks) {
          if (isGuarded(node) || safe.has(nameOf(node))) continue;
          context.report({ node, messageId: "guarded", data });
        }
      },
    };
  },
};

const noUnawaited = {
  meta: {
    type: "problem",
    messages: {
      unawaited:
        "Nobody awaits this, and what its handlers throw would end the process: use inBackground(...) of @kv/core/driver.",
    },
  },
  create(context) {
    function isSettling(node) {
      if (node.type === "ChainExpression") return isSettling(node.expression);
      return node.type === "CallExpression" && settlers.has(nameOf(node.callee));
    }

    return {
      ExpressionStatement({ expression }) {
        if (isSettling(expression)) context.report({ node: expression, messageId: "unawaited" });
      },
    };
  },
};

export default {
  meta: { name: "background" },
  rules: { guarded, "no-unawaited": noUnawaited },
};
