/**
 * KMS word for word, from a server that speaks its JSON protocol and signs with a real P-256 key: moto hashes a digest once more
 * ("MessageType DIGEST is not yet implemented"), so what it signs would not verify.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fingerprint, isSignedBy } from '../../src/seal/keys.ts'
import { kmsSigner } from '../../src/seal/kms.ts'
import { signDigest } from './kmsDigest.ts'
import { signal } from './support.ts'

const arn = 'arn:aws:kms:eu-central-1:111122223333:alias/seals'
const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000000'
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

type Answer = { readonly status: number; readonly body: object } | 'silence'
const asked: { readonly action: string; readonly body: Record<string, unknown> }[] = []
/** By action; what is not here answers as KMS does. */
let answers: Record<string, Answer> = {}
let server: Server

const publicAnswer = (changes = {}) => ({
  status: 200,
  body: {
    KeyId: keyArn,
    KeySpec: 'ECC_NIST_P256',
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: ['ECDSA_SHA_256'],
    PublicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    ...changes,
  },
})
const refusal = (name: string, message: string, status = 400) => ({ status, body: { __type: name, message } })

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  asked.length = 0
  answers = {}
  server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '')
    const body = JSON.parse(text) as Record<string, unknown>
    asked.push({ action, body })
    const answer = answers[action] ?? (action === 'Sign' ? signAnswer(body) : publicAnswer())
    if (answer === 'silence') return
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer.body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  vi.unstubAllEnvs()
})

function signAnswer({ Message }: Record<string, unknown>): Answer {
  const Signature = signDigest(Buffer.from(String(Message), 'base64'), privateKey).toString('base64')
  return { status: 200, body: { KeyId: keyArn, Signature, SigningAlgorithm: 'ECDSA_SHA_256' } }
}

const signer = (abort = signal, timeoutMs = 20_000) =>
  kmsSigner({ arn, endpointUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs }, abort)

describe('a key of KMS', () => {
  it('signs the digest of a record of any length, with the key that the alias named', async () => {
    const { algorithm, key, sign: signBytes } = await signer()
    const bytes = Buffer.alloc(20_000, 'record')
    const signature = await signBytes(bytes, signal)
    expect([algorithm, key]).toEqual(['ecdsa-p256-sha256', fingerprint(publicKey)])
    expect(isSignedBy(publicKey, algorithm, bytes, signature)).toBe(true)
    expect(asked.map(({ action, body }) => [action, body.KeyId, body.MessageType, body.SigningAlgorithm])).toEqual([
      ['GetPublicKey', arn, undefined, undefined],
      ['Sign', keyArn, 'DIGEST', 'ECDSA_SHA_256'],
    ])
  })

  it('whose signature is not of what was asked writes no seal', async () => {
    const other = sign('sha256', Buffer.from('other'), privateKey).toString('base64')
    answers.Sign = { status: 200, body: { Signature: other } }
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
    answers.GetPublicKey = publicAnswer(changes)
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
    answers.GetPublicKey = refusal(name, message)
    const thrown = await signer().catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code, advice: expect.stringMatching(advice) })
    expect(String(thrown)).toContain(`kms:GetPublicKey on the KMS key ${arn} failed: ${name}: ${message}`)
  })

  it('that may be looked at and not used names kms:Sign', async () => {
    answers.Sign = refusal('AccessDeniedException', 'no')
    await expect((await signer()).sign(Buffer.from('x'), signal)).rejects.toMatchObject({
      code: 'access-denied',
      advice: expect.stringMatching(/^Allow kms:Sign on it/),
    })
  })

  it('that never answers is given up on, and an abort ends the waiting with its reason', async () => {
    answers.GetPublicKey = 'silence'
    await expect(signer(signal, 300)).rejects.toMatchObject({ code: 'unavailable' })
    const abort = new AbortController()
    const reason = new Error('enough')
    const waiting = signer(abort.signal)
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})
