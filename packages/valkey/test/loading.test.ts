import { testLoading } from "../../resp/test/loading.ts";

testLoading({ library: "iovalkey", factory: "valkeyStore" }, import.meta.dirname);
