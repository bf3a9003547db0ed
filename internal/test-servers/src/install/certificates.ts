import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** PEM texts of a certificate authority made on the spot and of a certificate for 127.0.0.1 and localhost. */
export interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
const OID_ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const OID_COMMON_NAME = [0x55, 0x04, 0x03];
const OID_BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];
const OID_SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

/**
 * Makes an authority of its own and a server certificate signed by it, valid from a day ago for ten days.
 *
 * Node can sign but not make certificates, and a bare machine has no openssl program: the few DER structures
 * of RFC 5280 are written here by hand.
 */
export function makeCertificates(): Certificates {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = name("kv test authority");
  const alternatives = sequence(der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
  return {
    ca: certificate(authority.privateKey, issuer, issuer, authority.publicKey, [
      sequence(oid(OID_BASIC_CONSTRAINTS), TRUE, der(0x04, sequence(TRUE))),
    ]),
    certificate: certificate(authority.privateKey, issuer, name("localhost"), server.publicKey, [
      sequence(oid(OID_SUBJECT_ALT_NAME), der(0x04, alternatives)),
    ]),
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function certificate(
  signer: KeyObject,
  issuer: Buffer,
  subject: Buffer,
  publicKey: KeyObject,
  extensions: readonly Buffer[],
): string {
  const algorithm = sequence(oid(OID_ECDSA_WITH_SHA256));
  const version3 = der(0xa0, der(0x02, Buffer.from([2])));
  // A positive integer that begins with no zero byte.
  const serial = der(0x02, Buffer.from([0x7f]), randomBytes(15));
  const nowMs = Date.now();
  const validity = sequence(time(nowMs - DAY_MS), time(nowMs + 9 * DAY_MS));
  const toBeSigned = sequence(
    version3,
    serial,
    algorithm,
    issuer,
    validity,
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", toBeSigned, signer);
  const bytes = sequence(toBeSigned, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const TRUE = der(0x01, Buffer.from([0xff]));

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(OID_COMMON_NAME), der(0x0c, Buffer.from(commonName)))));
}

/** UTCTime, two digits of the year: good until 2049. */
function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function oid(bytes: readonly number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function sequence(...content: readonly Buffer[]): Buffer {
  return der(0x30, ...content);
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(body.length)]), body]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return [0x82, length >> 8, length & 0xff];
}
