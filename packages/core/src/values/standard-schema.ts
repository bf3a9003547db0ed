import type { SchemaIssue } from "../errors/schema-issue.ts";

/**
 * The part of Standard Schema (https://standardschema.dev, version 1) that a codec needs. Zod, Valibot, ArkType
 * and others implement it.
 */
export interface StandardSchema<Input, Output = Input> {
  /** The interface that a schema of any library has under this name. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };
