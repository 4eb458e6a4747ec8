/** Keys that are no keys, that others may read, that are of another kind: each is refused with what to do. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ecdsaP256, fingerprint, generateKeys, isSignedBy, readPublicKeys, readSigner } from '../../src/seal/keys.ts'
import { ours, pemOf, signal, theirs } from './support.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-keys-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function file(text: string, mode = 0o600): Promise<string> {
  const path = join(folder, `key-${++count}.pem`)
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

const encrypted = () =>
  String(ours.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }))
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })

describe('a private key', () => {
  it('signs what its public key says it has', async () => {
    const signer = await readSigner(await file(pemOf(ours.privateKey)))
    const bytes = Buffer.from('record')
    const signature = await signer.sign(bytes, signal)
    expect(signer.key).toBe(fingerprint(ours.publicKey))
    expect(isSignedBy(ours.publicKey, 'ed25519', bytes, signature)).toBe(true)
    expect(isSignedBy(theirs.publicKey, 'ed25519', bytes, signature)).toBe(false)
    expect(isSignedBy(ours.publicKey, 'ed25519', Buffer.from('Record'), signature)).toBe(false)
    expect(isSignedBy(ours.publicKey, 'none', bytes, signature)).toBe(false)
    expect(isSignedBy(ours.publicKey, 'ed25519', bytes, Buffer.alloc(0))).toBe(false)
  })

  it.each([0o400, 0o600, 0o440, 0o640])('of mode %o is taken', async mode => {
    await expect(readSigner(await file(pemOf(ours.privateKey), mode))).resolves.toHaveProperty('key')
  })

  it.each([0o644, 0o604, 0o660, 0o602, 0o777])('of mode %o is refused', async mode => {
    await expect(readSigner(await file(pemOf(ours.privateKey), mode))).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(`mode 0${mode.toString(8)}`),
    })
  })

  it.each([
    ['encrypted', encrypted, /encrypted/],
    ['public', () => pemOf(ours.publicKey), /no private key/],
    ['of another kind', () => pemOf(ec.privateKey), /kind ec secp384r1, expected ed25519/],
    ['nothing', () => '', /no private key/],
    ['far too long', () => 'x'.repeat(100_000), /no key/],
  ])('that is %s is refused', async (_, text, words) => {
    await expect(readSigner(await file(text()))).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(words),
    })
  })

  it('that is not there, or a folder, is refused', async () => {
    await expect(readSigner(join(folder, 'none'))).rejects.toMatchObject({ code: 'configuration' })
    await expect(readSigner(folder)).rejects.toMatchObject({ code: 'configuration' })
  })
})

describe('public keys', () => {
  it('of both algorithms check their own signatures, and never by the word of a seal', async () => {
    const found = await readPublicKeys(await file(pemOf(ours.publicKey) + pemOf(p256.publicKey), 0o644))
    expect([...found.keys()]).toEqual([fingerprint(ours.publicKey), fingerprint(p256.publicKey)])
    const bytes = Buffer.from('record')
    const der = sign('sha256', bytes, p256.privateKey)
    expect(isSignedBy(p256.publicKey, ecdsaP256, bytes, der)).toBe(true)
    expect(isSignedBy(p256.publicKey, 'ed25519', bytes, der)).toBe(false)
    expect(isSignedBy(ours.publicKey, ecdsaP256, bytes, sign(null, bytes, ours.privateKey))).toBe(false)
    expect(isSignedBy(p256.publicKey, ecdsaP256, Buffer.from('Record'), der)).toBe(false)
    const plain = sign('sha256', bytes, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' })
    expect(isSignedBy(p256.publicKey, ecdsaP256, bytes, plain)).toBe(false)
    expect(isSignedBy(p256.publicKey, ecdsaP256, bytes, Buffer.alloc(0))).toBe(false)
    expect(isSignedBy(p256.publicKey, ecdsaP256, bytes, Buffer.concat([der, Buffer.alloc(1)]))).toBe(false)
    expect(isSignedBy(p256.publicKey, ecdsaP256, bytes, sign('sha512', bytes, p256.privateKey))).toBe(false)
    expect(isSignedBy(ec.publicKey, ecdsaP256, bytes, sign('sha256', bytes, ec.privateKey))).toBe(false)
  })

  it('may be many in one file', async () => {
    const { publicPem, key } = generateKeys()
    const found = await readPublicKeys(await file(pemOf(ours.publicKey) + publicPem, 0o644))
    expect([...found.keys()]).toEqual([fingerprint(ours.publicKey), key])
  })

  it.each([
    ['private', () => pemOf(ours.privateKey), /holds a private key/],
    ['of another kind', () => pemOf(ec.publicKey), /kind ec secp384r1, expected ed25519, or/],
    ['none', () => 'hello', /no public key/],
    ['broken', () => pemOf(ours.publicKey).replace(/MC/, 'XX'), /is none/],
  ])('that are %s are refused', async (_, text, words) => {
    await expect(readPublicKeys(await file(text(), 0o644))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(words),
    })
  })
})
