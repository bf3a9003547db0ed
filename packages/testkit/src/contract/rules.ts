/** The rule that a case checks, like `T2`; `capabilities` for what the interfaces themselves say. */
export type RuleId =
  | "capabilities"
  | "S1"
  | "S2"
  | "S3"
  | "S4"
  | "S5"
  | "S6"
  | "S7"
  | "T1"
  | "T2"
  | "T3"
  | "T4"
  | "T5"
  | "T6"
  | "T7"
  | "N1"
  | "N2"
  | "N3"
  | "N4"
  | "N5"
  | "N6"
  | "N7"
  | "A1"
  | "A2"
  | "A3"
  | "A4"
  | "L1"
  | "L2"
  | "L3"
  | "L4"
  | "R1"
  | "R2"
  | "R3"
  | "E1"
  | "E2";

/** The rules of the contract, each in its own words. */
export const rules: Readonly<Record<RuleId, string>> = {
  capabilities:
    "A store has a capability by having its methods, all of them, at run time too, in its namespaces as at its root.",
  S1: "What was set is what `get` gives: the same bytes, any of the 256 values, any length from 0 up, for strings their UTF-8.",
  S2: "`get` of what is not there is `undefined`, never an error; `delete` of it is a no-op.",
  S3: "The caller owns what it passed and what it received: changing either array later changes nothing in the store, and the ArrayBuffer of a received array holds nothing else.",
  S4: "A key is any well-formed string, the empty one and one of 100,000 characters included: path separators, `..`, NUL, line breaks, `*?[]\\`, `{}`, `:`, `__proto__`, composed and decomposed letters, two that differ in case only. Two different strings are never the same entry.",
  S5: "A key or value string with a lone surrogate would be stored as something else: it is refused (`TypeError`), as is a key or value of another type, and a `prefix` likewise. Nothing is written. A batch checks all its arguments before it writes any; of a key given twice the last value counts; a batch as a whole is not atomic.",
  S6: "Calls made on one store and its namespaces within a process take effect on a key in the order in which they were made, awaited or not, batches included. A call that has to be repeated (a redirect, a script that the server forgot, a read that is tried again) counts from its repetition.",
  S7: "An operation that could not be carried out rejects, within `timeout` (an option of the store, default: 5 seconds; of a large batch, for each chunk), or later by as long as the event loop stood still meanwhile. It never resolves as if it had been: no swallowed write, no miss in the place of an error; a damaged entry is `KV_CORRUPT` (a later `set` heals it, `delete` removes it). What was rejected as not done is not done later.",
  T1: "An entry set with `expiresIn` is there before that time is over and is gone from every operation from then on, collected or not. Resolution is a millisecond.",
  T2: "`set` without options removes an older expiry; `keepExpiry` keeps it. Both together are refused.",
  T3: "`get` with `renewFor`, and `touch`, move the expiry of an entry that has one to that far from now, shorter or longer, in one atomic step; they give no expiry to an entry that has none, and never bring back, or undo, what another caller wrote or deleted meanwhile.",
  T4: "`expiresIn` counts down, in seconds with fractions; `Infinity` for an entry without expiry; `undefined` where there is none.",
  T5: "A duration is positive: 0, negative, NaN and more than 1,000 years are refused (`RangeError`), text without a unit, months and years too (`TypeError`); fractions of a millisecond round up; `Infinity` means no expiry. A day, 30 days and a century work.",
  T6: "`deleteExpired` removes what has expired, in the whole subtree, nothing else, and never an entry set meanwhile by anyone. Where the server does this itself it resolves with 0.",
  T7: "A jump of the wall clock does not make an in-memory entry expire early or late.",
  N1: "`withNamespace(name)` is a child store, isolated in every single-key and batch operation from its parent, its siblings and its own children. Two stores of one path are one namespace.",
  N2: "`deleteAll` empties the namespace and all below it, and nothing else: not the parent, not a sibling whose name begins the same (`a` and `ab`), not one that a pattern would match (`a*`, `[a]`, `a?`).",
  N3: "A name is any well-formed string of 1 to 255 bytes in UTF-8; `response_cache`, `rate-limit`, `user@example.com`, `..`, `a/b`, `a:b` are all good names. No two paths, and no path and key, ever meet: the namespace `a` with key `b:c` is not the namespace `a:b` with key `c`, nor `a/b` a child of `a`.",
  N4: "`redis` and `valkey` begin at the namespace `KV`. `namespace: null` turns namespacing off at the root: its keys are the server's own, N3 does not hold between them and namespaces below, and `deleteAll`, `keys`, `entries` and `namespaces` reject (`KV_NO_NAMESPACE`): they would touch what is not ours.",
  N5: "`deleteAll` is safe beside writers: an entry set after it resolved stays; an entry set before it began is gone.",
  N6: "`keys` lists the namespace's own live keys, not its children's, and `entries` the same with the value of each. A key that is there throughout comes at least once; a listing ends even while others write; leaving it early frees what it holds. With `prefix`, any well-formed string, only the keys that begin with it come, and it is no pattern: `*`, `?`, `[a]` and `\\` match themselves alone. At a damaged entry `entries` rejects with `KV_CORRUPT`, after all others.",
  N7: "What a version wrote, later versions read: the layout of keys on a server and of files on disk is documented, and golden data of each version stays readable, for services that pin different versions share their data.",
  A1: "`increment` adds to an integer kept as decimal text (`0` or `-?[1-9][0-9]*`), from 0 where there is none. `expiresIn` applies only when the call creates the entry. It resolves with the new value and the seconds left. Any other text, and a value or result beyond the safe integers, is refused (`KV_NOT_AN_INTEGER`) and unchanged.",
  A2: "`setIfAbsent` writes only where nothing is; of many callers exactly one gets `true`.",
  A3: "`compareAndSet` and `compareAndDelete` act only where the entry holds exactly `expected`, byte for byte; expiry as in `set`.",
  A4: "`take` gets and removes in one atomic step: of many callers exactly one gets the value. It is a write, sent once: a lost reply is `KV_OUTCOME_UNKNOWN`, and the value may be gone. A damaged entry is `KV_CORRUPT` and stays, and so does one that its codec refuses (`KV_INVALID_VALUE`).",
  L1: "A store closes what it opened, and only that: a client passed in stays open unless `closeClient: true` says otherwise; closing a child namespace closes only what was made from it, closing a store closes its namespaces too.",
  L2: "Closing is idempotent, waits for the calls in flight (a paused listing is none), at most `timeout`, and after it every call rejects with `KV_CLOSED`.",
  L3: "An idle store never keeps the process alive (a client passed in is its owner's business), and an error event of a connection never ends it.",
  L4: "A store does nothing before its first call: constructing one neither connects nor touches the disk.",
  R1: "`get` of a registered name is that store, the same object every time; of an unknown name it calls `defaultFactory(name)`, or with `root` gives `root.withNamespace(name)`, once, and keeps the result; with neither it throws, naming what is registered.",
  R2: "`register` of a taken name throws unless `allowOverride`.",
  R3: "Closing the registry closes each store it holds once, `root` last, all of them even when one fails, and then throws what failed (`AggregateError`); after it `get` throws `KV_CLOSED`.",
  E1: "A mistake in the call, a misspelt option included, is a `TypeError` or `RangeError`, and changes nothing. All else is a `StoreError` with a `code`: `KV_UNAVAILABLE` (not sent, or a read without a reply: nothing was changed), `KV_OUTCOME_UNKNOWN` (no reply was received after the write was sent), `KV_TIMEOUT` (gave up waiting for its turn, for a lock, or for others to leave an entry alone; nothing was changed), `KV_DENIED` (permission denied), `KV_FULL` (disk or memory), `KV_READ_ONLY`, `KV_CORRUPT`, `KV_CLOSED`, `KV_NO_NAMESPACE`, `KV_NOT_AN_INTEGER`, `KV_INVALID_VALUE` (a codec or schema refused it: named are store, namespace and operation, and `issues` are the schema's own), `KV_UNKNOWN_STORE`, `KV_STORE_EXISTS`, `KV_FAILED` (the rest). More codes may come; `isStoreError` knows one from any copy of core.",
  E2: "The message says which store and operation, and what to do; `cause` is the driver's own error. No value, password or whole key stands in a message, nor in the cause (clients attach a command's arguments to their errors: they are removed).",
};
