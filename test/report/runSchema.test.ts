/** The JSON Schema of run.json describes every member that a run has: read by zod, which knows nothing of our own checks. */
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { runJsonSchema } from '../../src/report/run-json.ts'
import { undescribed } from '../support/runSchema.ts'
import { goodRun, hostileRun, sampleRun, sampleText } from '../support/runs.ts'

const asIs = z.fromJSONSchema(runJsonSchema() as Parameters<typeof z.fromJSONSchema>[0])

describe('the JSON Schema of run.json', () => {
  it.each([
    ['the committed sample', JSON.parse(sampleText)],
    ['a good night', goodRun()],
    ['a hostile one', JSON.parse(JSON.stringify(hostileRun()))],
  ])('describes every member of %s', (_, run) => {
    expect(undescribed(run)).toBeNull()
    expect(asIs.safeParse(run).success).toBe(true)
  })

  it('fails on a member that it does not describe, wherever it stands', () => {
    const run = sampleRun()
    expect(undescribed({ ...run, newMember: 1 })).toContain('newMember')
    expect(undescribed({ ...run, debt: { ...run.debt, newMember: 1 } })).toContain('newMember')
    const [finding, ...findings] = run.findings
    expect(undescribed({ ...run, findings: [{ ...finding, newMember: 1 }, ...findings] })).toContain('newMember')
  })

  it('leaves nothing open', () => {
    expect(JSON.stringify(runJsonSchema())).not.toContain('{}')
  })

  it('lets additions through and refuses what the program refuses', () => {
    const run = sampleRun()
    expect(asIs.safeParse({ ...run, newMember: 1 }).success).toBe(true)
    for (const wrong of [
      { ...run, schemaVersion: 2 },
      { ...run, startedAt: 'yesterday' },
      { ...run, seconds: -1 },
      { ...run, findings: [{}] },
      { ...run, forecast: 1 },
      { ...run, debt: undefined },
    ])
      expect(asIs.safeParse(JSON.parse(JSON.stringify(wrong))).success).toBe(false)
  })
})
