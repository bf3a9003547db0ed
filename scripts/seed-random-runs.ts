import fc from "fast-check";

// The random runs of the testkit take their seed from KV_TESTKIT_SEED. So do, with this, those that tests make themselves.
const seed = Number(process.env["KV_TESTKIT_SEED"]);
if (!Number.isSafeInteger(seed)) throw new TypeError("KV_TESTKIT_SEED is no integer");
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
