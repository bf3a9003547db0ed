import { testLoading } from "@kv/resp-suites/loading";

testLoading({ library: "iovalkey", factory: "valkeyStore" }, import.meta.dirname);
