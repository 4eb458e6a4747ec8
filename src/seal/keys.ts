/**
 * Keys of seals: an Ed25519 key pair in PEM files, or one of P-256 in KMS (kms.ts). The private one signs and stays where runs
 * happen; the public one is handed out.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { open } from 'node:fs/promises'
import { diskError, SnapproofError } from '../errors.ts'
import { type Sha256, sha256 } from './record.ts'

export const ed25519 = 'ed25519'
/** ECDSA on P-256 with SHA-256; signatures in DER, as KMS writes them. */
export const ecdsaP256 = 'ecdsa-p256-sha256'
/** A PEM file of a few keys is far shorter. */
const maxPemBytes = 65_536

/** Signs records. */
export interface Signer {
  readonly algorithm: string
  /** Fingerprint of `publicKey`. */
  readonly key: Sha256
  readonly publicKey: KeyObject
  /** @throws SnapproofError when the key does not answer */
  sign(bytes: Buffer, signal: AbortSignal): Promise<Buffer>
}

/** Public keys by fingerprint. */
export type PublicKeys = ReadonlyMap<Sha256, KeyObject>

export function generateKeys(): { readonly privatePem: string; readonly publicPem: string; readonly key: Sha256 } {
  const { privateKey, publicKey } = generateKeyPairSync(ed25519)
  return {
    privatePem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicPem: publicPem(publicKey),
    key: fingerprint(publicKey),
  }
}

/**
 * Reads a private key that nobody else may: owner, and the group for reading, as a secret of Kubernetes is mounted.
 *
 * @throws SnapproofError `configuration`: not there, open to others, encrypted, public, of another kind
 */
export async function readSigner(file: string): Promise<Signer> {
  const { text, mode } = await readPem(file, 'the private key of the seals', 'seal.keyFile')
  if ((mode & 0o037) !== 0) {
    const shownMode = (mode & 0o777).toString(8).padStart(4, '0')
    throw new SnapproofError('configuration', `${file} may be read or written by others (mode ${shownMode})`, {
      advice: `chmod 600 ${file}; whoever could read it could sign as this auditor: make a new key with \`snapproof seal keygen\` unless you know that nobody has.`,
    })
  }
  if (/ENCRYPTED/.test(text)) {
    throw new SnapproofError('configuration', `${file} is an encrypted key, and a nightly run has nobody to ask`, {
      advice: `Decrypt it where only this user can read it: openssl pkey -in ${file} -out NEW`,
    })
  }
  const key = parseKey(text, createPrivateKey, `${file} holds no private key (PEM, PKCS #8)`)
  if (key.asymmetricKeyType !== ed25519) throw wrongKind(file, key)
  return signerOf(key)
}

/** `key`: private, Ed25519. */
export function signerOf(key: KeyObject): Signer {
  const publicKey = createPublicKey(key)
  return {
    algorithm: ed25519,
    key: fingerprint(publicKey),
    publicKey,
    sign: async bytes => sign(null, bytes, key),
  }
}

/**
 * One or more public keys of one PEM file: a chain outlives its keys.
 *
 * @throws SnapproofError `usage`
 */
export async function readPublicKeys(file: string): Promise<PublicKeys> {
  const { text } = await readPem(file, 'the public key of the seals', '--public-key', 'usage')
  if (/PRIVATE KEY/.test(text)) {
    throw new SnapproofError('usage', `${file} holds a private key`, {
      advice: `Whoever checks must not be able to sign: openssl pkey -in ${file} -pubout -out PUBLIC`,
    })
  }
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? []
  if (blocks.length === 0) {
    throw new SnapproofError('usage', `${file} holds no public key (PEM, "BEGIN PUBLIC KEY")`, {
      advice: 'Give the file that `snapproof seal keygen` wrote beside the private key.',
    })
  }
  const keys = blocks.map(block => parseKey(block, createPublicKey, `a public key in ${file} is none`, 'usage'))
  const other = keys.find(key => algorithmOf(key) === null)
  if (other !== undefined) throw wrongKind(file, other, 'usage')
  return new Map(keys.map(key => [fingerprint(key), key]))
}

/** Was it this key that signed these bytes? */
export function isSignedBy(key: KeyObject, algorithm: string, signed: Buffer, signature: Buffer): boolean {
  // What a key may sign with is the key's to say, not the seal's.
  if (algorithm !== algorithmOf(key)) return false
  if (algorithm === ed25519) return signature.length === 64 && verify(null, signed, key, signature)
  return verify('sha256', signed, { key, dsaEncoding: 'der' }, signature)
}

/** Null: no seal is signed with a key of this kind. */
function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | null {
  if (asymmetricKeyType === ed25519) return ed25519
  return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1' ? ecdsaP256 : null
}

export function publicPem(key: KeyObject): string {
  return String(key.export({ type: 'spki', format: 'pem' }))
}

/** SHA-256 of the public key's DER form. */
export function fingerprint(publicKey: KeyObject): Sha256 {
  return sha256(publicKey.export({ type: 'spki', format: 'der' }))
}

type KeyError = 'configuration' | 'usage'

async function readPem(file: string, what: string, flag: string, code: KeyError = 'configuration') {
  try {
    const handle = await open(file, 'r')
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || stats.size > maxPemBytes) {
        throw new SnapproofError(code, `${file} is no key: it is not a file of at most ${maxPemBytes} bytes`)
      }
      return { text: await handle.readFile('latin1'), mode: stats.mode }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof SnapproofError) throw error
    throw new SnapproofError(code, `${what} cannot be read`, {
      advice: `Set ${flag} to a file that this user can read; \`snapproof seal keygen\` makes a pair.`,
      cause: diskError(error, 'read', file),
    })
  }
}

function parseKey(
  pem: string,
  parse: (pem: string) => KeyObject,
  message: string,
  code: KeyError = 'configuration',
): KeyObject {
  try {
    return parse(pem)
  } catch (cause) {
    // The words of OpenSSL say nothing that the message does not, and hold nothing of the key.
    throw new SnapproofError(code, message, { advice: '`snapproof seal keygen` makes a pair.', cause })
  }
}

function wrongKind(file: string, key: KeyObject, code: KeyError = 'configuration'): SnapproofError {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key
  const got = details?.namedCurve === undefined ? kind : `${kind} ${details.namedCurve}`
  const expected = code === 'usage' ? `${ed25519}, or that of a KMS key (P-256)` : ed25519
  return new SnapproofError(code, `${file} holds a key of the kind ${got}, expected ${expected}`, {
    advice: '`snapproof seal keygen` makes a pair; `snapproof seal public-key` fetches that of a KMS key.',
  })
}
