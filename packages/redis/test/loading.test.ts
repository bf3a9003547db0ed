import { testLoading } from "@kv/resp-suites/loading";

testLoading({ library: "ioredis", factory: "redisStore" }, import.meta.dirname);
