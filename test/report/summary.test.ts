import { describe, expect, it } from 'vitest'
import { renderSummary } from '../../src/report/summary.ts'
import { goodRun, hostileRun, sampleRun } from '../support/runs.ts'

describe('renderSummary', () => {
  it('begins with the verdict and ends with the exit code', () => {
    const lines = renderSummary(sampleRun()).trimEnd().split('\n')
    expect(lines[0]).toBe('FAILING: 3 of 5 snapshots cannot be restored whole.')
    expect(lines.at(-1)).toMatch(/^Exit code 1: /)
  })

  it('names blob, snapshots, last good and what to do', () => {
    const text = renderSummary(sampleRun())
    expect(text).toContain('ERROR corrupt-data-blob')
    expect(text).toContain('indices/8vQmXn2eRkCjWc1sT7hYpA/1/__mZ4tUe1wQzS9bKxv0oRdGg')
    expect(text).toContain('nightly-2026.11.21, nightly-2026.11.22, nightly-2026.11.23')
    expect(text).toContain('last good  nightly-2026.11.20')
    expect(text).toContain('do         Recover')
  })

  it('does not hide a restore without a conclusion', () => {
    expect(renderSummary(sampleRun())).toMatch(/not known {2}logs-2026\.11\.21 from nightly-2026\.11\.22/)
    expect(renderSummary(goodRun())).not.toContain('not known')
  })

  it('cannot be used to steer the terminal', () => {
    const text = renderSummary(hostileRun())
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u)
    expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThan(1_000)
  })
})
