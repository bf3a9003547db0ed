import { testLoading } from "../../resp/test/loading.ts";

testLoading({ library: "ioredis", factory: "redisStore" }, import.meta.dirname);
