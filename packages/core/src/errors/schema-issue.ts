/** A fault that a schema found, as Standard Schema tells it. */
export interface SchemaIssue {
  /** Says what is wrong, in the words of the library; it may quote the value. */
  readonly message: string;
  /** The place of the fault, from the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
