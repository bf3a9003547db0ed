/** Ends a case that cannot be told here. The message says why. */
export class Unproven extends Error {}
