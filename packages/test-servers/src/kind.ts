/** Which server a test asks for. Both speak RESP; their error texts differ, their error codes do not. */
export type ServerKind = "redis" | "valkey";
