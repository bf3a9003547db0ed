export { bytesLaidDown, promisesMade } from "./counted.ts";
export { functionsEntered } from "./functions-entered.ts";
export { expectCode, outcomeOf } from "./outcomes.ts";
export { soak } from "./soak.ts";
export { standStill } from "./stand-still.ts";
