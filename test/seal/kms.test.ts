import { sign } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fingerprint, isSignedBy } from '../../src/seal/keys.ts'
import { kmsSigner } from '../../src/seal/kms.ts'
import { type KmsServer, kmsKeyArn, startKmsServer } from '../support/kmsServer.ts'
import { signal } from './support.ts'

const arn = 'arn:aws:kms:eu-central-1:111122223333:alias/seals'
let kms: KmsServer

const refusal = (name: string, message: string, status = 400) => ({ status, body: { __type: name, message } })

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  kms = await startKmsServer()
})
afterEach(async () => {
  await kms.stop()
  vi.unstubAllEnvs()
})

const signer = (abort = signal, timeoutMs = 20_000) =>
  kmsSigner({ arn, endpointUrl: kms.endpointUrl, timeoutMs }, abort)

describe('a key of KMS', () => {
  it('signs the digest of a record of any length, with the key that the alias named', async () => {
    const { algorithm, key, sign: signBytes } = await signer()
    const bytes = Buffer.alloc(20_000, 'record')
    const signature = await signBytes(bytes, signal)
    expect([algorithm, key]).toEqual(['ecdsa-p256-sha256', fingerprint(kms.publicKey)])
    expect(isSignedBy(kms.publicKey, algorithm, bytes, signature)).toBe(true)
    expect(kms.asked.map(({ action, body }) => [action, body.KeyId, body.MessageType, body.SigningAlgorithm])).toEqual([
      ['GetPublicKey', arn, undefined, undefined],
      ['Sign', kmsKeyArn, 'DIGEST', 'ECDSA_SHA_256'],
    ])
  })

  it('whose signature is not of what was asked writes no seal', async () => {
    const other = sign('sha256', Buffer.from('other'), kms.privateKey).toString('base64')
    kms.answers.Sign = { status: 200, body: { Signature: other } }
    await expect((await signer()).sign(Buffer.from('record'), signal)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('is no signature of'),
    })
  })

  it.each([
    [{ KeySpec: 'RSA_2048' }, /RSA_2048 for SIGN_VERIFY, expected ECC_NIST_P256/],
    [{ KeySpec: 'ECC_NIST_P384' }, /ECC_NIST_P384/],
    [{ KeyUsage: 'KEY_AGREEMENT' }, /KEY_AGREEMENT/],
  ])('that is %j is refused', async (changes, message) => {
    kms.answers.GetPublicKey = kms.publicAnswer(changes)
    await expect(signer()).rejects.toMatchObject({ code: 'configuration', message: expect.stringMatching(message) })
  })

  it.each([
    ['NotFoundException', 'Alias is not found.', 'not-found', /no such key/],
    ['DisabledException', 'key is disabled.', 'access-denied', /enable-key/],
    ['KMSInvalidStateException', 'key is pending deletion.', 'access-denied', /cancel-key-deletion/],
    ['AccessDeniedException', 'User is not authorized', 'access-denied', /^Allow kms:GetPublicKey/],
    ['UnsupportedOperationException', 'symmetric', 'configuration', /ECC_NIST_P256/],
    ['UnrecognizedClientException', 'The security token is invalid', 'access-denied', /credentials/],
    ['InvalidArnException', 'Invalid arn', 'configuration', /ECC_NIST_P256/],
  ])('that answers %s says so, with action and key', async (name, message, code, advice) => {
    kms.answers.GetPublicKey = refusal(name, message)
    const thrown = await signer().catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code, advice: expect.stringMatching(advice) })
    expect(String(thrown)).toContain(`kms:GetPublicKey on the KMS key ${arn} failed: ${name}: ${message}`)
  })

  it('that may be looked at and not used names kms:Sign', async () => {
    kms.answers.Sign = refusal('AccessDeniedException', 'no')
    await expect((await signer()).sign(Buffer.from('x'), signal)).rejects.toMatchObject({
      code: 'access-denied',
      advice: expect.stringMatching(/^Allow kms:Sign on it/),
    })
  })

  it('that never answers is given up on, and an abort ends the waiting with its reason', async () => {
    kms.answers.GetPublicKey = 'silence'
    await expect(signer(signal, 300)).rejects.toMatchObject({ code: 'unavailable' })
    const abort = new AbortController()
    const reason = new Error('enough')
    const waiting = signer(abort.signal)
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})
