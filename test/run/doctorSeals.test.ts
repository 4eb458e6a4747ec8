/** Doctor's question about seals, on a real S3 server and in a folder. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStore } from '../../src/blobs/open.ts'
import type { StoreLock } from '../../src/blobs/port.ts'
import type { Store } from '../../src/blobs/write-probe.ts'
import { SnapproofError } from '../../src/errors.ts'
import { sealAnswer } from '../../src/run/doctorSeals.ts'
import { writeSeal } from '../../src/seal/write.ts'
import { systemClock } from '../../src/time.ts'
import { type S3Lab, startLab } from '../blobs/support.ts'
import { recordOf, signal, signer } from '../seal/support.ts'

let lab: S3Lab
beforeAll(async () => {
  lab = await startLab({ readOnly: ['bucket/closed/'] })
})
afterAll(() => lab.close())

const withLock = (store: Store, lock: StoreLock): Store => ({ ...store, storeLock: async () => lock })
const ask = (
  store: Store,
  options: { readonly retention?: { mode: 'compliance'; seconds: number }; readonly remembered?: number } = {},
) =>
  sealAnswer(
    { store, retention: options.retention ?? null, signer: async () => signer },
    options.remembered === undefined ? null : { number: options.remembered, hash: 'a'.repeat(64) },
    signal,
  )
const add = (store: Store) =>
  writeSeal({ store, signer, remembered: null, record: recordOf(1), retention: null, signal })

it('is content with a chain that it can add to, and leaves nothing in it', async () => {
  const store = lab.store({ basePath: 'open' })
  expect(await ask(store)).toMatchObject({
    outcome: 'good',
    message: expect.stringContaining('begins with the next run'),
  })
  await add(store)
  expect(await ask(withLock(store, { kind: 'on', mode: 'governance', days: 30 }))).toMatchObject({
    outcome: 'good',
    message: expect.stringMatching(/last is seal 1; .* governance mode by the bucket/),
  })
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  expect(keys).toEqual(['seal-0000000001.jsonl'])
})

it('says that nothing locks the chain, in a bucket and in a folder', async () => {
  const folder = join(lab.root, 'chain')
  await mkdir(folder)
  for (const store of [
    withLock(lab.store({ basePath: 'open' }), { kind: 'none' }),
    openStore(pathToFileURL(folder).href, { clock: systemClock }),
  ]) {
    expect(await ask(store)).toMatchObject({ outcome: 'good', message: expect.stringContaining('nothing locks them') })
  }
})

it.each([
  ['may not be written', () => ask(lab.store({ basePath: 'closed' })), /AccessDenied/],
  [
    'has no lock, though one is configured',
    () =>
      ask(withLock(lab.store({ basePath: 'open' }), { kind: 'none' }), {
        retention: { mode: 'compliance', seconds: 9 },
      }),
    /no Object Lock/,
  ],
  ['has lost its end', () => ask(lab.store({ basePath: 'open' }), { remembered: 5 }), /remembers seal 5/],
])('is bad where the chain %s', async (_, answer, words) => {
  expect(await answer()).toMatchObject({
    outcome: 'bad',
    message: expect.stringMatching(words),
    advice: expect.stringMatching(/./),
  })
})

it('throws what the key says', async () => {
  const error = new SnapproofError('configuration', 'no key')
  const seals = { store: lab.store({ basePath: 'open' }), retention: null, signer: () => Promise.reject(error) }
  await expect(sealAnswer(seals, null, signal)).rejects.toBe(error)
})
