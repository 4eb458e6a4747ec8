/** A second checker, in another language and made from README.md alone, says the same of the same chains. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicPem, type Signer, signerOf } from '../../src/seal/keys.ts'
import { sealName } from '../../src/seal/record.ts'
import { verifyChain } from '../../src/seal/verify.ts'
import { writeSeal } from '../../src/seal/write.ts'
import { type MemoryStore, memoryStore } from '../support/memoryStore.ts'
import {
  bytesOf,
  chainOf,
  keys,
  ours,
  p256Signer,
  pemOf,
  recordOf,
  sealOf,
  signal,
  theirs,
  withByte,
} from './support.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, 'check_seals.py')
const python = await run('python3', ['-c', 'import sys; assert sys.version_info >= (3, 8)']).then(
  () => true,
  () => false,
)
if (!python) console.warn('SKIPPED: there is no python3, so the second checker of seals is not asked')

let folder: string
let pem: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-seals-'))
  pem = join(folder, 'public.pem')
  await writeFile(pem, pemOf(ours.publicKey))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function saidByPython(store: MemoryStore, key = pem): Promise<number[]> {
  const chain = await mkdtemp(join(folder, 'chain-'))
  for (const [name, { bytes }] of store.objects) await writeFile(join(chain, name), bytes)
  const { stdout } = await run('python3', [script, chain, key], { timeout: 60_000 }).catch(
    (error: { code: number; stdout: string; stderr: string }) => {
      if (error.code !== 1 || error.stderr !== '') throw error
      return error
    },
  )
  return stdout.split('\n').flatMap(line => (line === '' ? [] : [Number(line.split(' ')[0])]))
}

async function saidByUs(store: MemoryStore, known = keys): Promise<number[]> {
  const { problems } = await verifyChain({ chain: store, keys: known, heads: [], runs: null, signal })
  return problems.flatMap(({ number, to }) =>
    number === null ? [] : Array.from({ length: (to ?? number) - number + 1 }, (_, i) => number + i),
  )
}

const put = (store: MemoryStore, number: number, bytes: Buffer) => store.put(sealName(number), bytes)

describe.runIf(python)('the checker in Python', () => {
  it('finds nothing in a healthy chain', async () => {
    const store = await chainOf(10)
    expect(await saidByPython(store)).toEqual([])
  })

  it('knows the signatures of KMS, and that a seal does not choose its algorithm', async () => {
    const [first, second] = [p256Signer(), p256Signer()]
    const store = memoryStore(() => 0)
    const write = (by: Signer, night: number) =>
      writeSeal({ store, signer: by, remembered: null, record: recordOf(night, by), retention: null, signal })
    for (const night of [1, 2, 3]) await write(first, night)
    const kmsPem = join(folder, 'p256.pem')
    await writeFile(kmsPem, publicPem(first.publicKey))
    const own = new Map([[first.key, first.publicKey]])
    expect(await saidByPython(store, kmsPem)).toEqual([])
    expect(await saidByUs(store, own)).toEqual([])
    await put(store, 2, Buffer.from(String(bytesOf(store, 2)).replace('ecdsa-p256-sha256', 'ed25519')))
    await put(store, 3, withByte(bytesOf(store, 3), 100, 1))
    await write(second, 4)
    expect(await saidByUs(store, own)).toEqual([2, 3, 4])
    expect(await saidByPython(store, kmsPem)).toEqual([2, 3, 4])
  })

  it('names the same seals of a chain that is bent everywhere at once', async () => {
    const store = await chainOf(30)
    await store.delete(sealName(2))
    await put(store, 5, withByte(bytesOf(store, 5), 100, 1))
    await put(store, 8, withByte(bytesOf(store, 8), bytesOf(store, 8).length - 10, 1))
    await put(store, 11, bytesOf(store, 12))
    await put(store, 15, await sealOf({ ...recordOf(15), number: 15, previous: 'a'.repeat(64) }))
    await put(store, 20, Buffer.from(String(bytesOf(store, 20)).replace('":"', '": "')))
    await put(store, 22, Buffer.from('['.repeat(60_000)))
    await put(store, 24, Buffer.from('null\nnull\n'))
    const forger = signerOf(theirs.privateKey)
    await put(store, 30, await sealOf({ ...recordOf(30, forger), number: 30, previous: null }, forger))
    const said = await saidByUs(store)
    // 14 is accused by the wrong link of 15, as 15 is by that of 16.
    expect(said).toEqual([2, 5, 8, 11, 14, 15, 20, 22, 24, 30])
    expect(await saidByPython(store)).toEqual(said)
  })
})
