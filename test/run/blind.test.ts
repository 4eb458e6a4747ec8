/** A blind auditor: nothing of it counts, nothing that is known moves, and it is loud. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isSnapproofError, SnapproofError } from '../../src/errors.ts'
import { toMetricData } from '../../src/metrics/data.ts'
import type { RunResult, SelfCheck } from '../../src/model/run.ts'
import { headline } from '../../src/report/headline.ts'
import { renderReport } from '../../src/report/render.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { goodRun } from '../support/runs.ts'
import { type ArrayNight, arrayNight } from './array/night.ts'

const sighted: SelfCheck = { planted: 9, found: 9, seconds: 1, missed: [] }
const missed = {
  what: 'a data blob is missing',
  code: 'missing-data-blob',
  why: 'expected one finding, got 0',
} as const
const blind: SelfCheck = { planted: 9, found: 8, seconds: 1, missed: [missed] }

let night: ArrayNight
beforeEach(async () => {
  night = await arrayNight()
})
afterEach(() => night.close())

/** Names of journals, and bytes of the ledger: what is remembered. */
async function remembered(): Promise<{ journals: string[]; others: string[] }> {
  const names = (await readdir(night.ledger, { recursive: true })).sort()
  return {
    journals: names.filter(name => /journals\/.+\./.test(name)),
    others: names.filter(name => !name.startsWith('journals')),
  }
}

describe('an audit', () => {
  it('looks at nothing, restores nothing and ends with 2', async () => {
    night.setAuditor(blind)
    const refuse = (): never => {
      throw new Error('a blind auditor was at work')
    }
    const run = await night.audit(null, given => ({
      ...given,
      repository: { ...given.repository, list: refuse, head: refuse, get: refuse, read: refuse },
      openMirror: refuse,
      startEngine: refuse,
    }))
    expect(run.exit).toMatchObject({ code: 2, applies: [2] })
    expect(run.exit.reason).toContain('a data blob is missing')
    expect(run.selfCheck).toEqual(blind)
    expect([run.snapshots, run.verdicts, run.findings, run.restores, run.lastGood, run.engines]).toEqual(
      Array(6).fill([]),
    )
    // A first night has nothing to remember, and begins no policy.
    expect((await remembered()).journals).toEqual([])
  })

  it('of named snapshots: the same', async () => {
    night.setAuditor(blind)
    const run = await night.audit(['night-1'])
    expect([run.exit.code, run.restores]).toEqual([2, []])
  })

  it('moves nothing of what a night before it proved, and stands in the history', async () => {
    const before = await night.audit()
    expect(before.restores.some(row => row.verdict === 'pass')).toBe(true)
    expect(before.selfCheck?.missed).toEqual([])
    const known = await remembered()
    night.setAuditor(blind)
    const run = await night.audit()
    expect([run.history.length, run.debt.contents]).toEqual([1, before.debt.contents])
    const now = await remembered()
    expect(now.others).toEqual(known.others)
    const added = now.journals.filter(name => !known.journals.includes(name))
    expect(added.length).toBe(1)
    night.setAuditor(sighted)
    const after = await night.audit()
    expect(after.restores).toEqual([])
    expect(after.lastGood).toEqual(before.lastGood)
    expect(after.contents).toEqual(before.contents)
    expect(after.history.map(({ exitCode }) => exitCode)).toEqual([before.exit.code, 2])
  })

  it('is the report of a blind auditor, in every form', async () => {
    night.setAuditor(blind)
    const run = parseRun(serializeRun(await night.audit()))
    expect(headline(run)).toMatchObject({ tone: 'blind', word: 'Auditor blind' })
    for (const text of [renderSummary(run), renderReport(run, '')]) {
      expect(text).toContain('The auditor is blind')
      expect(text).toContain('a data blob is missing')
    }
  })
})

describe('metrics', () => {
  const values = (run: RunResult) => toMetricData(run, 0).map(({ MetricName, Value }) => [MetricName, Value])

  it.each(['audit', 'verify'] as const)('of a blind %s: that it is blind, and nothing else', async command => {
    night.setAuditor(blind)
    const run = { ...(await night.audit()), command }
    expect(values(run)).toEqual([['AuditorBlind', 1]])
  })

  it('of a sighted one are as before', () => {
    expect(values(goodRun({ selfCheck: sighted }))).toEqual(values(goodRun()))
  })
})

it('is heard although the ledger cannot be had', async () => {
  await night.audit()
  night.setAuditor(blind)
  const run = await night.audit(null, given => ({
    ...given,
    openLedger: () => Promise.reject(new SnapproofError('unavailable', 'no answer')),
  }))
  expect([run.exit.code, run.history]).toEqual([2, []])
})

describe('an array', () => {
  it('is not planned by a blind machine', async () => {
    night.setAuditor(blind)
    const error = await night.plan(2).catch((thrown: unknown) => thrown)
    expect(isSnapproofError(error, 'auditor-blind')).toBe(true)
    expect((await remembered()).others).toEqual([])
  })

  it('a blind child journals nothing, its part is debt, and the night ends with 2', async () => {
    const planned = await night.plan(2)
    expect(planned.summary.children).toBe(2)
    const known = await remembered()
    night.setAuditor(blind)
    const outcome = await night.work(0)
    expect(outcome).toMatchObject({ proven: 0, failed: 0, left: outcome.contents })
    expect(outcome.trouble).toContain('blind')
    expect((await remembered()).journals).toEqual(known.journals)
    night.setAuditor(sighted)
    await night.work(1)
    const { run } = await night.collect()
    const [child, other] = run?.array?.children ?? []
    expect(child).toMatchObject({ status: 'stopped', left: outcome.contents, proven: 0 })
    expect(child?.reason).toContain('the auditor is blind')
    expect(other).toMatchObject({ status: 'done', left: 0 })
    expect(run?.exit).toMatchObject({ code: 2 })
    expect(run?.exit.reason).toContain('failed its self-check')
    expect(run?.debt.contents).toBeGreaterThan(0)
    expect(run?.restores.filter(row => row.verdict === 'pass').length).toBe(other?.proven)
  })

  it('a child that is blind at first and sees when it is started again is no trouble', async () => {
    await night.plan(1)
    night.setAuditor(blind)
    await night.work(0)
    night.setAuditor(sighted)
    await night.work(0)
    const { run } = await night.collect()
    expect(run?.array?.children[0]).toMatchObject({ status: 'done', left: 0 })
    expect(run?.exit.code).not.toBe(2)
  })

  it('a blind collect takes nothing in, and another one does', async () => {
    await night.plan(1)
    await night.work(0)
    night.setAuditor(blind)
    const first = await night.collect()
    expect(first.run?.exit.code).toBe(2)
    expect(first.run?.restores).toEqual([])
    night.setAuditor(sighted)
    const second = await night.collect()
    expect(second.run?.restores.some(row => row.verdict === 'pass')).toBe(true)
  })
})

it('nothing in a configuration speaks of the self-check, so nothing in it can switch it off', async () => {
  const folder = join(import.meta.dirname, '../../src/config')
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), 'utf8')
    expect([name, /self-?check/i.test(text)]).toEqual([name, false])
  }
})
