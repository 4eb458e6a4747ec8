/** Writing into a chain: races, ends that were cut or changed, stores that answer late, and what the ledger remembers. */
import { describe, expect, it, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import { headRow, isSealSubject, rememberedHead, sealSubject } from '../../src/seal/head.ts'
import { sealName, sha256 } from '../../src/seal/record.ts'
import { verifyChain } from '../../src/seal/verify.ts'
import { nextLink, type SealHead, writeSeal } from '../../src/seal/write.ts'
import type { MemoryStore } from '../support/memoryStore.ts'
import { bytesOf, chainOf, keys, recordOf, signal, signer } from './support.ts'

const add = (store: MemoryStore, night: number, remembered: SealHead | null = null) =>
  writeSeal({ store, signer, remembered, record: recordOf(night), retention: null, signal })

const problemsOf = async (store: MemoryStore, heads: SealHead[] = []) => {
  const known = heads.map(head => ({ ...head, from: 'a report' }))
  const { problems } = await verifyChain({ chain: store, keys, heads: known, runs: null, signal })
  return problems.map(({ kind, number, to }) => [kind, number, to])
}

test('twelve runs at the same time give twelve seals in one chain', async () => {
  const store = await chainOf(3)
  const written = await Promise.all(Array.from({ length: 12 }, (_, i) => add(store, 4 + i)))
  expect(written.map(({ number }) => number).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => 4 + i))
  expect(await problemsOf(store)).toEqual([])
})

test('a run that loses every time ends, and has written nothing', async () => {
  const store = await chainOf(1)
  const racing: MemoryStore = { ...store, putIfAbsent: async () => ({ written: false }) }
  await expect(add(racing, 2)).rejects.toMatchObject({ code: 'unavailable' })
  expect(store.objects.size).toBe(1)
})

test('a write whose answer was lost is a seal, and one that failed is none', async () => {
  const store = await chainOf(1)
  const lost = new SnapproofError('unavailable', 'the store gave no answer')
  const late: MemoryStore = {
    ...store,
    async putIfAbsent(...call) {
      await store.putIfAbsent(...call)
      throw lost
    },
  }
  expect(await add(late, 2)).toMatchObject({ number: 2, hash: sha256(bytesOf(store, 2)) })
  const broken: MemoryStore = { ...store, putIfAbsent: () => Promise.reject(lost) }
  await expect(add(broken, 3)).rejects.toBe(lost)
  expect(await problemsOf(store)).toEqual([])
})

test('a chain that is full is told', async () => {
  const store = await chainOf(1)
  await store.put(sealName(1_000_000), Buffer.from('x'))
  await expect(add(store, 2)).rejects.toMatchObject({ code: 'too-large' })
})

describe('an end that the ledger remembers otherwise', () => {
  const remembered = async (store: MemoryStore, number: number) => ({ number, hash: sha256(bytesOf(store, number)) })

  it('was cut: the next goes on behind the hole, which stays', async () => {
    const store = await chainOf(5)
    const head = await remembered(store, 5)
    await store.delete(sealName(4))
    await store.delete(sealName(5))
    expect(await add(store, 6, head)).toMatchObject({ number: 6, problem: expect.stringContaining('ends with seal 3') })
    expect(await problemsOf(store)).toEqual([['missing', 4, 5]])
  })

  it('was removed altogether', async () => {
    const store = await chainOf(5)
    const head = await remembered(store, 5)
    store.objects.clear()
    expect(await add(store, 6, head)).toMatchObject({ number: 6, problem: expect.stringContaining('ends with none') })
    expect(await problemsOf(store)).toEqual([['missing', 1, 5]])
  })

  it('was written anew: the next names the one that was', async () => {
    const store = await chainOf(5)
    const head = await remembered(store, 5)
    await store.delete(sealName(5))
    await add(store, 99)
    expect(await add(store, 6, head)).toMatchObject({ number: 6, problem: expect.stringContaining('not the one') })
    expect(await problemsOf(store)).toEqual([['altered', 5, null]])
  })

  it('has others behind it that the ledger did not hear of: nothing is wrong', async () => {
    const store = await chainOf(5)
    expect(await add(store, 6, await remembered(store, 3))).toMatchObject({ number: 6, problem: null })
    expect(await problemsOf(store)).toEqual([])
  })

  it('holds something that is no seal: the next follows it, and it is named', async () => {
    const store = await chainOf(2)
    await store.put(sealName(2), Buffer.from('garbage'))
    expect(await add(store, 3)).toMatchObject({ number: 3, problem: expect.stringContaining('is none') })
    expect(await problemsOf(store)).toEqual([['altered', 2, null]])
  })

  it.each(['garbage', 'a copy of the last'])(
    'has %s laid behind it before the next run comes: that run tells',
    async what => {
      const store = await chainOf(5)
      const head = await remembered(store, 5)
      await store.put(sealName(6), what === 'garbage' ? Buffer.from(what) : bytesOf(store, 5))
      expect(await add(store, 6, head)).toMatchObject({
        number: 7,
        problem: expect.stringContaining('place of seal 6'),
      })
      expect(await problemsOf(store)).toEqual([[what === 'garbage' ? 'altered' : 'doubled', 6, null]])
    },
  )
})

test.each([
  ['an empty chain', null, null, null, 1, null, false],
  ['a chain that nobody remembers', 4, null, null, 5, 4, false],
  ['one that is remembered', 4, 4, 'same', 5, 4, false],
  ['one that went on', 6, 4, 'same', 7, 6, false],
  ['one that was cut', 3, 4, null, 5, 4, true],
  ['one whose remembered seal is another, behind which others stand', 6, 4, 'other', 7, 6, true],
  ['one whose remembered seal is gone, behind which others stand', 6, 4, null, 7, 6, true],
  ['one whose last seal is another', 4, 4, 'other', 5, 4, true],
] as const)('%s', (_, last, known, there, number, follows, isProblem) => {
  const head = last === null ? null : { number: last, hash: there === 'other' && last === known ? 'other' : `h${last}` }
  const atRemembered = there === null ? null : there === 'same' ? `h${known}` : 'other'
  const link = nextLink({ head, atRemembered }, known === null ? null : { number: known, hash: `h${known}` })
  expect([link.number, link.previous]).toEqual([
    number,
    follows === null ? null : { number: follows, hash: `h${follows}` },
  ])
  expect(link.problem !== null).toBe(isProblem)
})

describe('the head in the ledger', () => {
  const head = { number: 17, hash: 'b'.repeat(64) }

  it('is read as it was written, by chain', () => {
    const row = headRow('s3://seals/prod/', head)
    const memory = (subject: string) => (subject === row.subject ? { data: Buffer.from(row.data, 'base64') } : null)
    expect(rememberedHead(memory, 's3://seals/prod')).toEqual(head)
    expect(rememberedHead(memory, 's3://seals/other')).toBeNull()
    expect(isSealSubject(sealSubject('s3://x'))).toBe(true)
  })

  it.each(['', '17', `0 ${'b'.repeat(64)}`, `17 ${'b'.repeat(63)}`, `17 ${'b'.repeat(64)}x`])('%j is none', text => {
    expect(rememberedHead(() => ({ data: Buffer.from(text) }), 's3://x')).toBeNull()
  })
})
