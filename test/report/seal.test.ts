/** What report and summary say of the seal of a run. */
import { describe, expect, it } from 'vitest'
import type { RunSeal } from '../../src/model/run.ts'
import { renderReport } from '../../src/report/render.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { goodRun, hostile, style } from '../support/runs.ts'

const seal: RunSeal = {
  url: 's3://seals/prod',
  key: 'a'.repeat(64),
  before: { number: 17, hash: 'b'.repeat(64) },
  lock: 'compliance',
  problem: null,
  unsealed: null,
}
const page = (changes: Partial<RunSeal>) => renderReport(goodRun({ seal: { ...seal, ...changes } }), style)
const lines = (changes: Partial<RunSeal>) => renderSummary(goodRun({ seal: { ...seal, ...changes } }))

describe('a run that is sealed', () => {
  it('says where, with which key, behind which seal, locked how', () => {
    for (const text of ['s3://seals/prod', seal.key ?? '', '17: ', 'b'.repeat(64), 'locked in compliance mode'])
      expect(page({})).toContain(text)
    expect(page({})).not.toMatch(/unsealed|not what it was/)
    expect(lines({})).toContain(`Sealed in s3://seals/prod: it follows seal 17, ${'b'.repeat(64)}`)
    expect(page({ before: null })).toContain('the chain begins here')
    expect(page({ lock: 'none' })).toContain('no Object Lock')
  })

  it('says that the chain is not what it was', () => {
    for (const text of [page({ problem: 'seal 16 is gone' }), lines({ problem: 'seal 16 is gone' })])
      expect(text).toMatch(/chain of seals is not what it was.*seal 16 is gone/is)
  })
})

it('a run that is unsealed says so, and why, and nothing of a seal that it has', () => {
  const changes = { key: null, before: null, unsealed: 'there is no key' }
  expect(page(changes)).toMatch(/This run is unsealed.*there is no key/s)
  expect(page(changes)).not.toMatch(/the chain begins here|locked in/)
  expect(lines(changes)).toContain('UNSEALED: this run has no seal in s3://seals/prod: there is no key')
})

it('a run that is not to be sealed says nothing of it', () => {
  expect(renderReport(goodRun(), style)).not.toContain('id="seal"')
  expect(renderSummary(goodRun())).not.toMatch(/seal/i)
})

it('hostile words stay words', () => {
  const changes = { url: hostile, unsealed: hostile, problem: hostile }
  expect(page(changes)).not.toContain('<script>')
  expect(lines(changes)).not.toContain('\u001b')
})

it.each([
  ['lock', 'none of these'],
  ['before', { number: '17', hash: 'b' }],
  ['unsealed', 1],
  ['url', null],
])('a run.json whose seal.%s is %j is refused', (member, value) => {
  const run = goodRun({ seal: { ...seal, [member]: value } as RunSeal })
  expect(() => parseRun(serializeRun(run))).toThrow(/seal\./)
  expect(parseRun(serializeRun(goodRun({ seal }))).seal).toEqual(seal)
})
