/** Which server a test asks for. Both speak RESP; their error texts differ, their error codes do not. */
export type ServerKind = "redis" | "valkey";

/** Which release of it: the newest that Debian packages, whatever that is by now. */
export type ServerRelease = "newest";
