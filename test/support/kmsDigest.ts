/** ECDSA on P-256 over a digest as it is (FIPS 186-5, 6.4.1): Node's crypto hashes once more, KMS does not. For tests alone. */
import { createECDH, type KeyObject, randomBytes } from 'node:crypto'

/** Order of the curve's base point (SEC 2, 2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const mod = (value: bigint) => ((value % order) + order) % order
const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`)

/** In DER. */
export function signDigest(digest: Buffer, privateKey: KeyObject): Buffer {
  const secret = numberOf(Buffer.from(String(privateKey.export({ format: 'jwk' }).d), 'base64url'))
  const once = createECDH('prime256v1')
  // Below the order for certain, as its first byte is.
  const k = Buffer.concat([Buffer.from([1]), randomBytes(31)])
  once.setPrivateKey(k)
  const r = mod(numberOf(once.getPublicKey().subarray(1, 33)))
  const s = mod(power(numberOf(k), order - 2n) * (numberOf(digest) + r * secret))
  const body = Buffer.concat([integer(r), integer(s)])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b)
  return result
}

function integer(value: bigint): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const positive = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes])
  return Buffer.concat([Buffer.from([0x02, positive.length]), positive])
}
