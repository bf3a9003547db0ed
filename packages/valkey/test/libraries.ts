import * as iovalkey from "iovalkey";
import type { ClientLibrary } from "../../resp/test/clients.ts";

export const libraries: Readonly<Record<"iovalkey", ClientLibrary>> = {
  iovalkey,
};
