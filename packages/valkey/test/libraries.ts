import type { ClientLibrary } from "@kv/resp-suites/clients";
import * as iovalkey from "iovalkey";

export const libraries: Readonly<Record<"iovalkey", ClientLibrary>> = {
  iovalkey,
};
