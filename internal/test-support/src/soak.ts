/** Whether this is the long run (`pnpm test:soak`), which tries more, and longer. */
export const soak: boolean = process.env["KV_SOAK"] === "1";
