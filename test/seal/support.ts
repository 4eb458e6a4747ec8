/** Chains of seals in memory, signed with keys that are the same in every run of the tests. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { ecdsaP256, fingerprint, type PublicKeys, type Signer, signerOf } from '../../src/seal/keys.ts'
import { canonicalJson, type SealRecord, sealName, sealVersion, sha256, signedBytes } from '../../src/seal/record.ts'
import { writeSeal } from '../../src/seal/write.ts'
import { isoTime } from '../../src/time.ts'
import { type MemoryStore, memoryStore } from '../support/memoryStore.ts'

export const { signal } = new AbortController()

/** RFC 8410: the seed of an Ed25519 key behind what PKCS #8 says before it. */
export function testKey(seed: number): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

export const ours = testKey(7)
export const theirs = testKey(8)
export const signer = signerOf(ours.privateKey)
export const keys: PublicKeys = new Map([[fingerprint(ours.publicKey), ours.publicKey]])

/** Signs as KMS does; a key of its own each time. */
export function p256Signer(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    algorithm: ecdsaP256,
    key: fingerprint(publicKey),
    publicKey,
    sign: async bytes => sign('sha256', bytes, privateKey),
  }
}

export function pemOf(key: KeyObject): string {
  return String(key.export(key.type === 'private' ? { type: 'pkcs8', format: 'pem' } : { type: 'spki', format: 'pem' }))
}

/** What a run of the night with this number would say. */
export function recordOf(night: number, by: Signer = signer): Omit<SealRecord, 'number' | 'previous'> {
  const at = isoTime(Date.UTC(2026, 0, night, 2))
  const hash = (what: string) => sha256(`${what} ${night}`)
  return {
    seal: sealVersion,
    sealedAt: at,
    key: by.key,
    repository: { name: 'prod', url: 's3://snapshots/päth', uuid: 'u' },
    run: { id: `run-${night}`, command: 'audit', startedAt: at, endedAt: at, exitCode: 0 },
    inputs: {
      configuration: hash('config'),
      generation: night,
      indexN: hash('index'),
      tool: '0.1.0',
      engines: ['elasticsearch 9.5.3 (maven)'],
    },
    expected: { restores: hash('expected') },
    found: {
      restores: hash('found'),
      verdicts: hash('verdicts'),
      findings: hash('findings'),
      accepted: hash('accepted'),
      evidence: hash('evidence'),
    },
    outputs: {
      runJson: sha256(fileOf(night, 'run.json')),
      reportHtml: sha256(fileOf(night, 'report.html')),
      ledger: null,
    },
  }
}

export function fileOf(night: number, name: string): Buffer {
  return Buffer.from(`${name} of ${night}`)
}

const built = new Map<number, Promise<MemoryStore>>()

/** A copy of its own. */
export async function chainOf(nights: number): Promise<MemoryStore> {
  const known = built.get(nights) ?? buildChain(nights)
  built.set(nights, known)
  const store = memoryStore(() => 0)
  for (const [key, held] of (await known).objects) store.objects.set(key, held)
  return store
}

async function buildChain(nights: number): Promise<MemoryStore> {
  const store = memoryStore(() => 0)
  for (let night = 1; night <= nights; night++)
    await writeSeal({ store, signer, remembered: null, record: recordOf(night), retention: null, signal })
  return store
}

export async function runsOf(nights: number): Promise<MemoryStore> {
  const store = memoryStore(() => 0)
  for (let night = 1; night <= nights; night++)
    for (const name of ['run.json', 'report.html']) await store.put(`run-${night}/${name}`, fileOf(night, name))
  return store
}

export function bytesOf(store: MemoryStore, number: number): Buffer {
  const held = store.objects.get(sealName(number))
  if (held === undefined) throw new Error(`there is no seal ${number}`)
  return held.bytes
}

export function withByte(bytes: Buffer, at: number, xor: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ xor
  return changed
}

/** A seal that is good but for what it says. */
export async function sealOf(record: SealRecord, by: Signer = signer): Promise<Buffer> {
  const signed = signedBytes(record)
  const signature = (await by.sign(signed, signal)).toString('base64')
  return Buffer.from(`${signed}\n${canonicalJson({ algorithm: by.algorithm, signature })}\n`)
}
