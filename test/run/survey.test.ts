/** What a night sees before it restores: remembered metadata, and the bytes that no restore gets to in time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { configForUrl } from '../../src/config/load.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { silentLog } from '../../src/log.ts'
import { type SurveyOptions, survey } from '../../src/run/survey.ts'
import { type JudgedSnapshot, judgeSnapshots } from '../../src/run/verdicts.ts'
import { VersionedStore } from '../check/nights.ts'
import { fakeClock } from '../support/fakes.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'

const fixture = repositoryFixtures().find(one => one.name === 'es-9.5')?.folder ?? ''
const scratch = mkdtempSync(join(tmpdir(), 'snapproof-survey-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const day = 86_400_000
const { signal } = new AbortController()
let ledgers = 0

/** Nights of one repository with one ledger. */
function openHouse() {
  const store = new VersionedStore(filesOf(fixture))
  const clock = fakeClock()
  const file = join(scratch, `${++ledgers}.sqlite`)
  let run = 0
  return {
    clock,
    store,
    async night(change: Partial<SurveyOptions> = {}, overrides: Record<string, string | number> = {}) {
      store.forgetRequests()
      const repository = store.reader()
      const config = configForUrl('file:///nowhere', { overrides, temporaryFolder: scratch })
      const runId = `run-${++run}`
      const { readOnly = false } = change
      const ledger = await openLedger({
        repositoryName: config.repository.name,
        store: null,
        file,
        runId,
        owner: 'test:1',
        clock,
        log: silentLog,
        leaseSeconds: 60,
        randomId: () => `journal-${ledgers}-${run}-${Math.random().toString(36).slice(2)}`,
        signal,
        readOnly,
      })
      try {
        const options = { only: null, limits: config.limits, readOnly, ...change }
        const dependencies = { config, clock, log: silentLog, repository, runId, signal, counts: store.counts }
        const seen = await survey(dependencies, ledger, options)
        const judged = judgeSnapshots({
          repository: seen.catalogue.repositoryData,
          checked: seen.checked,
          contents: seen.contents,
          workFindings: [],
          left: new Map(),
          expired: new Set(),
          policy: config.policy,
          runId,
          checkedAtMs: clock.nowMs(),
          nowMs: clock.nowMs(),
        })
        if (!readOnly) {
          // A night that ended: the policy counts from the first of them.
          const row = {
            kind: 'run',
            runId,
            command: 'audit',
            startedMs: clock.nowMs(),
            endedMs: clock.nowMs(),
            exitCode: 0,
            toolVersion: '0',
            generation: 1,
            repositoryUuid: null,
            clusterId: null,
            planned: 0,
            proven: 0,
            failed: 0,
            inconclusive: 0,
            debtContents: 0,
            debtBytes: 0,
            findings: 0,
            restoreBytesPerSecond: null,
          } as const
          await ledger.journal(runId, [row], signal)
          await ledger.store(signal)
        }
        return {
          seen,
          judged,
          metadata: store.gets.filter(isMetadata),
          data: store.gets.filter(key => /\/__/.test(key)),
        }
      } finally {
        await ledger.close()
      }
    },
  }
}

const isMetadata = (key: string) => /\.dat$|\/index-/.test(key)
const bytesOf = (judged: readonly JudgedSnapshot[]) =>
  judged.flatMap(({ entry, copies }) =>
    copies.map(({ copy, levels }) => `${entry.name} ${copy.indexName} ${levels.bytes.mark.verdict}`),
  )

describe('metadata', () => {
  it('are read once, and judged the same from memory', async () => {
    const house = openHouse()
    // Nothing is planned: what is restored is read again by the restore.
    const first = await house.night({ only: [] })
    expect(first.metadata.length).toBeGreaterThan(20)
    const second = await house.night({ only: [] })
    expect(second.metadata).toEqual([])
    expect(second.seen.contents).toEqual(first.seen.contents)
    expect(second.seen.checked.findings).toEqual(first.seen.checked.findings)
    expect(bytesOf(second.judged)).toEqual(bytesOf(first.judged))
    expect(new Set(second.judged.map(({ levels }) => levels.catalogue.mark.reason))).toContain('remembered')
  })
  it('that a plan reads are not remembered: it writes nothing', async () => {
    const house = openHouse()
    const plan = await house.night({ readOnly: true, only: [] })
    expect(plan.data).toEqual([])
    expect((await house.night({ only: [] })).metadata).toEqual(plan.metadata)
  })
})

describe('bytes', () => {
  it('are left to restores while there is time, then read, then remembered', async () => {
    const house = openHouse()
    expect((await house.night()).data).toEqual([])
    house.clock.advance(60 * day)
    expect((await house.night()).data).toEqual([])
    house.clock.advance(10 * day)
    const due = await house.night()
    expect(due.data.length).toBeGreaterThan(5)
    expect(new Set(due.data).size).toBe(due.data.length)
    expect(bytesOf(due.judged)).toContain('night-1 growing pass')
    const after = await house.night()
    expect(after.data).toEqual([])
    expect(bytesOf(after.judged)).toEqual(bytesOf(due.judged))
    expect(after.judged.find(({ entry }) => entry.name === 'night-1')?.levels.bytes.mark.reason).toBe('remembered')
  })
  it('of snapshots that are verified by name are not read besides', async () => {
    const house = openHouse()
    await house.night()
    house.clock.advance(80 * day)
    expect((await house.night({ only: ['night-1'] })).data).toEqual([])
  })
  it('that are wrong fail every snapshot that needs them, at every later night, until they are right', async () => {
    const house = openHouse()
    const { store } = house
    await house.night()
    house.clock.advance(80 * day)
    const good = await house.night()
    const key = good.data.find(one => !one.includes('.part')) ?? ''
    const bytes = Buffer.from(store.bytesOf(key))
    const rotten = Buffer.from(bytes)
    rotten.writeUInt8(rotten.readUInt8(3) ^ 1, 3)
    store.put(key, rotten)
    const found = await house.night()
    const [finding, ...others] = found.seen.checked.findings.filter(one => one.severity === 'error')
    expect(others).toEqual([])
    expect(finding).toMatchObject({ code: 'corrupt-data-blob', key })
    const failed = found.judged.filter(({ levels }) => levels.bytes.mark.verdict === 'fail')
    expect(failed.map(({ entry }) => entry.uuid).sort()).toEqual([...(finding?.snapshots ?? [])].sort())
    for (const { levels } of failed) expect(levels.restore.mark.reason).toBe('lower-level-failed')
    // Nothing is due any more, a plan reads nothing, and both still say it.
    for (const readOnly of [false, true]) {
      const again = await house.night({ readOnly })
      expect(again.seen.checked.findings.map(one => [one.id, one.snapshots])).toContainEqual([
        finding?.id,
        finding?.snapshots,
      ])
    }
    store.put(key, bytes)
    const cured = await house.night()
    expect(cured.seen.checked.findings.filter(one => one.severity === 'error')).toEqual([])
    expect(cured.judged.some(({ levels }) => levels.bytes.mark.verdict === 'fail')).toBe(false)
  })
})

describe('a limit on money that the look alone reaches', () => {
  // A minute of the machine, two cents, is begun by whoever looks.
  const dear = { 'costs.compute': 'codebuild-large', 'limits.costUsd': 0.01 }
  const limits = { snapshots: null, restoreBytes: null, durationSeconds: null, costUsd: 0.01 }

  it('ends the look of a run, which passes nothing that it did not see', async () => {
    const house = openHouse()
    const { judged } = await house.night({ limits }, dear)
    const presence = judged.map(snapshot => snapshot.levels.presence.mark)
    expect(presence.length).toBeGreaterThan(0)
    // A partial snapshot says so first.
    for (const mark of presence) expect(mark.verdict).toBe('inconclusive')
    expect(presence.map(mark => mark.reason)).toContain('limit-reached')
  })

  it('does not hide from a plan what is in debt', async () => {
    const free = await openHouse().night({ readOnly: true })
    const { seen } = await openHouse().night({ readOnly: true, limits }, dear)
    expect(seen.plan.debt.length).toBe(free.seen.plan.debt.length)
    expect(seen.forecast.night?.contentsBeyondLimit).toBe(seen.forecast.contents)
    expect(seen.forecast.contents).toBeGreaterThan(0)
  })
})
