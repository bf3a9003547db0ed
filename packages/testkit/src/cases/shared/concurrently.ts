import type { FullStore } from "@kv/core";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";

/** A case of several callers that use one namespace at the same time. */
export interface ConcurrentCase extends Omit<ContractCase, "run"> {
  /** `stores` are two handles on one namespace: of one object, of two, or of two processes. */
  readonly run: (stores: readonly [FullStore, FullStore], context: CaseContext) => Promise<void>;
}

/** The case for callers of one handle, of two handles, and of two processes. */
export function concurrently({ run, ...rest }: ConcurrentCase): ContractCase[] {
  const needs = rest.needs ?? [];
  return [
    {
      ...rest,
      title: `${rest.title}, among callers of one handle`,
      run: async (context) => run([context.store, context.store], context),
    },
    {
      ...rest,
      title: `${rest.title}, among two handles`,
      needs: [...needs, "openAgain"],
      run: async (context) => run([context.store, await context.reopen()], context),
    },
    {
      ...rest,
      title: `${rest.title}, among two processes`,
      needs: [...needs, "openElsewhere"],
      run: async (context) => run([context.store, await context.inOtherProcess()], context),
    },
  ];
}

/** The handle of the caller of that number: the two take turns. */
export function storeOf([one, two]: readonly [FullStore, FullStore], at: number): FullStore {
  return at % 2 === 0 ? one : two;
}
