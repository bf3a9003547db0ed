import type { ContractCase, Hook, Need } from "../contract/contract-case.ts";
import type { Capability, Harness, Opened } from "../contract/harness.ts";

const capabilities: readonly Capability[] = ["namespaces", "batch", "atomic", "listing", "expiry"];

/** Something that a harness says of a backend as a whole, and not of an opened store. */
type Declarable = Exclude<Need, Hook>;

/** Says why a case proves nothing with such a harness, as far as that is known before a store is opened. */
export function undeclared(harness: Harness, { needs = [] }: ContractCase): string | undefined {
  const missing = needs.find((need) => isDeclarable(need) && !isDeclared(need, harness));
  return missing === undefined ? undefined : missingText(missing);
}

/** Says why a case proves nothing with what was opened. */
export function notGiven(harness: Harness, opened: Opened, { needs = [] }: ContractCase): string | undefined {
  const missing = needs.find((need) =>
    isDeclarable(need) ? !isDeclared(need, harness) : opened[need] === undefined,
  );
  return missing === undefined ? undefined : missingText(missing);
}

/** Says that a harness lacks something. */
export function missingText(need: Need): string {
  if (isCapability(need)) return `the harness does not declare the capability ${need}`;
  if (need === "golden") return "the harness has no golden data";
  if (need === "inMemory") return "the harness does not say that its entries live in memory";
  return `the harness has no ${need satisfies Hook}()`;
}

function isCapability(need: Need): need is Capability {
  return (capabilities as readonly string[]).includes(need);
}

function isDeclarable(need: Need): need is Declarable {
  return isCapability(need) || need === "golden" || need === "inMemory";
}

function isDeclared(need: Declarable, harness: Harness): boolean {
  if (isCapability(need)) return harness.capabilities.includes(need);
  return need === "golden" ? (harness.golden ?? []).length > 0 : harness.inMemory === true;
}
