/** The page of all reports: bounded however many runs there were, and the same whatever was lost or told twice. */
import { describe, expect, test } from 'vitest'
import { renderIndex } from '../../src/report/indexPage.ts'
import { maxIndexMonths, maxIndexRuns, parseIndex, type RunsIndex, withRun } from '../../src/report/runsIndex.ts'
import { goodRun, hostile, hostileRun, sampleRun, style } from '../support/runs.ts'

const nightAt = (i: number, rest = {}) => {
  const endedAt = new Date(Date.UTC(2020, 0, 1 + i, 3)).toISOString()
  return goodRun({ runId: `run-${i}`, endedAt, history: [], ...rest })
}
const nights = (count: number): RunsIndex => {
  let index: RunsIndex | null = null
  for (let i = 0; i < count; i++) index = withRun(index, nightAt(i))
  if (index === null) throw new Error('no night')
  return index
}

describe('the index', () => {
  test('the newest one by one, what is older by month, each counted once', () => {
    const index = nights(400)
    expect(index.runs).toHaveLength(maxIndexRuns)
    expect(index.months.reduce((sum, { runs }) => sum + runs, 0)).toBe(400 - maxIndexRuns)
    expect(index.runs.at(-1)).toMatchObject({ runId: 'run-399', said: { tone: 'good' } })
    expect(parseIndex(JSON.stringify(index))).toEqual(index)
  })
  test('stays bounded over the years', () => {
    let index: RunsIndex | null = null
    for (let month = 0; month < 400; month++) {
      const endedAt = new Date(Date.UTC(1990, month, 1)).toISOString()
      index = withRun(index, goodRun({ runId: `m${month}`, endedAt, history: [] }))
    }
    expect([index?.runs.length, index?.months.length]).toEqual([maxIndexRuns, maxIndexMonths])
  })
  test('the same run again replaces what it said', () => {
    const again = withRun(nights(3), nightAt(2, { exit: { code: 2, applies: [2], reason: 'not delivered' } }))
    expect(again.runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 2])
  })
  test('a lost index comes back from the history, and what months count does not', () => {
    const history = nights(5).runs.map(({ said: _, ...rest }) => rest)
    expect(withRun(null, nightAt(5, { history })).runs).toMatchObject([
      ...history.map(() => ({ said: null })),
      { runId: 'run-5' },
    ])
    const long = nights(200)
    const old = { runId: 'run-3', endedAt: nightAt(3).endedAt, debtContents: 0, proven: 1, findings: 0, exitCode: 0 }
    const more = withRun(long, nightAt(200, { history: [old] }))
    expect(more.runs.some(({ runId }) => runId === 'run-3')).toBe(false)
    expect(more.months.reduce((sum, { runs }) => sum + runs, 0) + more.runs.length).toBe(201)
  })
  test('of another repository, or no index at all, it begins anew', () => {
    const other = { ...nights(3), repository: 'other' }
    expect(withRun(other, nightAt(9)).runs).toHaveLength(1)
    for (const text of ['', '{', '[]', '{"schemaVersion":2}', '{"schemaVersion":1,"repository":1}'])
      expect(parseIndex(text)).toBeNull()
  })
})

describe('its page', () => {
  test('leads to reports that are there, newest first', () => {
    const page = renderIndex(nights(3), style, runId => runId !== 'run-0')
    expect(
      [...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href).filter(href => !href?.startsWith('#')),
    ).toEqual(['run-2/report.html', 'run-1/report.html'])
  })
  test('says what the last run said', () => {
    const page = renderIndex(withRun(nights(2), sampleRun()), style, () => true)
    expect(page).toContain('<header class="masthead failing">')
    expect(page).toContain('3 of 5 snapshots cannot be restored whole')
  })
  test('hostile names and ids are text and lead nowhere', () => {
    const index = withRun(null, { ...hostileRun(), runId: '../../javascript:alert(1)' })
    const page = renderIndex({ ...index, repository: hostile }, style, () => true)
    expect(page).not.toMatch(/<script|href="[^"]*(?:javascript|\.\.)|<[^>]*\s(?:style|on[a-z]+)=/i)
    expect(Buffer.byteLength(renderIndex(nights(400), style, () => true))).toBeLessThan(300_000)
  })
})
