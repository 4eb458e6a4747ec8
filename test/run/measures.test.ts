/** What is measured of indices, when it is read for that, and what the next nights compare it with. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { withoutKeys } from '../../src/check/measurer.ts'
import { configForUrl } from '../../src/config/load.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { silentLog } from '../../src/log.ts'
import type { IndexMetadata } from '../../src/model/content.ts'
import { compareWithPast } from '../../src/run/baselines.ts'
import { datedSnapshots } from '../../src/run/dated.ts'
import { survey } from '../../src/run/survey.ts'
import { VersionedStore } from '../check/nights.ts'
import { fakeClock } from '../support/fakes.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'

const fixture = repositoryFixtures().find(one => one.name === 'es-9.5')?.folder ?? ''
const scratch = mkdtempSync(join(tmpdir(), 'snapproof-measures-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const { signal } = new AbortController()
let houses = 0

/** Nights of the fixture with one ledger. `startMs`: of the clock. */
function openHouse(startMs = Date.UTC(2026, 10, 24)) {
  const store = new VersionedStore(filesOf(fixture))
  const clock = fakeClock(startMs)
  const house = `house-${++houses}`
  let run = 0
  /** `ends`: does the run come to its end? `measures`: is what it measured heard of, as an older version would not? */
  async function night({ ends = true, measures = true, readOnly = false } = {}) {
    store.forgetRequests()
    const config = configForUrl('file:///nowhere', { temporaryFolder: scratch, overrides: {} })
    const runId = `run-${++run}`
    let journals = 0
    const ledger = await openLedger({
      repositoryName: config.repository.name,
      store: null,
      file: join(scratch, `${house}.sqlite`),
      runId,
      owner: 'test:1',
      clock,
      log: silentLog,
      leaseSeconds: 60,
      randomId: () => `${house}-${run}-${++journals}`,
      signal,
      readOnly,
    })
    try {
      const older = {
        journal: (id: string, rows: Parameters<typeof ledger.journal>[1], abort: AbortSignal) =>
          ledger.journal(
            id,
            rows.filter(({ kind }) => kind !== 'measure' && kind !== 'mapping'),
            abort,
          ),
      }
      const heard = measures ? ledger : Object.assign(Object.create(ledger), older)
      const repository = store.reader()
      const dependencies = { config, clock, log: silentLog, repository, runId, signal, counts: store.counts }
      const seen = await survey(dependencies, heard, { only: [], limits: config.limits, readOnly })
      if (ends && !readOnly) await ledger.store(signal)
      const names = ['growing', 'orders', 'empty', 'recreated', 'wide', 'unassigned']
      const known = Object.fromEntries(names.map(name => [name, ledger.measures(name)]))
      const digests = Object.values(known).flatMap(list => list.flatMap(({ mapping }) => mapping ?? []))
      const metadata = store.gets.filter(key => /^indices\/.*(\.dat$|\/index-)/.test(key))
      const { repositoryData } = seen.catalogue
      const dated = datedSnapshots(repositoryData.snapshots, seen.checked)
      const baselines = compareWithPast(repositoryData, dated, ledger, config.baselines)
      return { baselines, known, mappings: ledger.mappings(digests), metadata }
    } finally {
      await ledger.close()
    }
  }
  return { store, clock, night }
}

describe('what is read for it', () => {
  it('a calm index without a measure once, its mapping alone, and then nothing', async () => {
    const house = openHouse()
    const before = await house.night({ measures: false })
    expect(before.known.growing).toEqual([])
    const upgrade = await house.night()
    // Each mapping, and the list of each shard: what is in snapshots is known from before.
    expect(upgrade.metadata.filter(key => key.includes('/meta-'))).toHaveLength(6)
    expect(upgrade.metadata.filter(key => key.includes('/snap-'))).toEqual([])
    expect(new Set(upgrade.metadata).size).toBe(upgrade.metadata.length)
    expect((await house.night()).metadata).toEqual([])
    expect(await house.night()).toMatchObject({ metadata: [], known: upgrade.known })
  })

  it('is the same, with shape and numbers, as where it is measured when it is first read', async () => {
    const house = openHouse()
    await house.night({ measures: false })
    const late = await house.night()
    const first = await openHouse().night()
    expect(late.known).toEqual(first.known)
    expect(late.mappings).toEqual(first.mappings)
    for (const measure of Object.values(late.known).flat()) {
      expect(measure.documents).not.toBeNull()
      expect(measure.sequence).not.toBeNull()
      expect(Object.keys(late.mappings.get(measure.mapping ?? '') ?? {})).toHaveLength(measure.fields ?? -1)
    }
    expect(late.known.wide?.[0]?.fields).toBeGreaterThan(100)
  })

  it('nothing besides, where one index changes', async () => {
    const house = openHouse()
    await house.night()
    const key = house.store.keys().find(one => one.includes('/snap-')) ?? ''
    house.store.put(key, house.store.bytesOf(key))
    const { metadata } = await house.night()
    expect(metadata).toContain(key)
    expect(metadata.filter(one => one.includes('/meta-'))).toEqual([])
  })

  it('a plan keeps nothing', async () => {
    const house = openHouse()
    const plan = await house.night({ readOnly: true })
    expect(plan.known.growing).toEqual([])
    const run = await house.night()
    expect(run.metadata).toEqual(plan.metadata)
    expect(run.baselines.summary).toMatchObject({ tooYoung: 5, judged: 0, outside: [] })
    expect((await house.night({ readOnly: true })).metadata).toEqual([])
  })
})

describe('an index that can never be measured', () => {
  it.each(['mounted', 'system'] as const)('%s: is not read again for that', what => {
    const metadata = { mounted: false, system: false, fields: new Map(), [what]: true } as unknown as IndexMetadata
    const known = { metadata: (key: string) => (key === 'here' ? metadata : null), lists: () => true }
    const measuring = { index: 0, wanted: new Set([0]), unknownKeys: new Set(['here', 'there']) }
    expect(withoutKeys(known, measuring).metadata('here')).toBe(metadata)
    expect(withoutKeys(known, measuring).metadata('there')).toBeNull()
  })
})

describe('what is measured', () => {
  it('whole indices of every snapshot, also of one that is partial elsewhere, oldest first', async () => {
    const { known } = await openHouse().night()
    const partial = /^nächtlich/
    expect(known.growing?.map(({ snapshot }) => snapshot.replace(partial, 'p').slice(0, 8))).toEqual([
      'night-1',
      'night-2',
      expect.stringMatching(/^p/),
      'night-4',
    ])
    expect(known.unassigned).toEqual([])
    const grown = known.growing?.map(({ documents }) => documents ?? 0) ?? []
    expect([...grown].sort((a, b) => a - b)).toEqual(grown)
  })

  it('on the first look all of it is history but the newest of each index', async () => {
    const { known } = await openHouse().night()
    for (const list of Object.values(known))
      expect(list.map(one => one.judged)).toEqual(list.map((_, i) => i === list.length - 1))
  })

  it('a run that dies after it measured leaves what the next one needs, the same', async () => {
    const house = openHouse()
    const died = await house.night({ ends: false })
    house.clock.advance(86_400_000)
    const next = await house.night()
    expect(next.known).toEqual(died.known)
    expect(next.mappings).toEqual(died.mappings)
    expect(next.metadata).toEqual([])
    expect(next.baselines).toEqual(died.baselines)
  })

  it('what a snapshot from the future says waits until its time has come', async () => {
    const house = openHouse(Date.UTC(2026, 10, 23))
    expect((await house.night()).known.growing).toEqual([])
    house.clock.advance(86_400_000)
    expect((await house.night()).known.growing).toHaveLength(4)
  })
})
