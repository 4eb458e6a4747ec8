/** JUnit XML: well formed by another parser, and never better than the run. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../src/errors.ts'
import { junitXml } from '../../src/formats/junitXml.ts'
import type { RunResult } from '../../src/model/run.ts'
import { standingsOf } from '../../src/model/standing.ts'
import { goodRun, hostileRun, sampleRun } from '../support/runs.ts'

interface Case {
  readonly suite: string
  readonly name: string
  readonly outcome: string | null
  readonly message: string | null
}

const script = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
cases = [dict(suite=s.get("name"), name=c.get("name"), outcome=c[0].tag if len(c) else None, message=c[0].get("message") if len(c) else None) for s in root for c in s]
counts = [[int(s.get(k)) for k in ("tests", "failures", "errors", "skipped")] for s in [root, *root]]
print(json.dumps([cases, counts]))`
const python = (() => {
  try {
    execFileSync('python3', ['-c', ''], { timeout: 60_000 })
    return true
  } catch {
    console.warn('SKIPPED: there is no python3, so nobody else reads the XML')
    return false
  }
})()

function read(run: RunResult): { readonly cases: readonly Case[]; readonly counts: readonly number[][] } {
  const options = { input: junitXml(run), encoding: 'utf8', timeout: 60_000, maxBuffer: 100_000_000 } as const
  const [cases, counts] = JSON.parse(execFileSync('python3', ['-c', script], options))
  return { cases, counts }
}

describe.runIf(python)('JUnit XML', () => {
  it('passes what is proven and nothing else', () => {
    const run = sampleRun()
    const { cases, counts } = read(run)
    const standings = standingsOf(run)
    const passed = cases.filter(({ suite, outcome }) => suite === 'snapshots' && outcome === null)
    const failed = cases.filter(({ suite, outcome }) => suite === 'snapshots' && outcome === 'failure')
    expect([passed.length, failed.length]).toEqual([standings.count.proven, standings.unaccepted.length])
    const restores = cases.filter(({ suite }) => suite === 'restores').map(({ outcome }) => outcome)
    const expected = { pass: null, fail: 'failure', inconclusive: 'skipped', 'not-applicable': 'skipped' }
    expect(restores).toEqual(run.restores.map(({ verdict }) => expected[verdict]))
    const tags = ['failure', 'error', 'skipped']
    const numbers = tags.map(tag => cases.filter(({ outcome }) => outcome === tag).length)
    expect(counts[0]).toEqual([cases.length, ...numbers])
    expect(counts.slice(1).reduce((sum, [tests = 0]) => sum + tests, 0)).toBe(cases.length)
  })

  it('of a good night has no failure and nothing skipped', () => {
    expect(read(goodRun()).cases.filter(({ outcome }) => outcome !== null)).toEqual([])
  })

  it.each(Object.values(exitCodes).filter(code => code !== 0))('of a run with exit code %d is not green', code => {
    const run = goodRun({ exit: { code, applies: [code], reason: 'something' } })
    const kinds = read(run).cases.flatMap(({ outcome }) => outcome ?? [])
    expect(kinds).toEqual([[2, 3, 64].includes(code) ? 'error' : 'failure'])
  })

  it('skips what somebody answers for, and says who', () => {
    const run = sampleRun()
    const accepted = run.findings.map(finding => ({ finding, until: run.endedAt, reason: 'known', approver: 'dora' }))
    const { cases } = read({ ...run, findings: [], accepted, exit: { code: 0, applies: [0], reason: '' } })
    const rows = cases.filter(({ suite }) => suite === 'findings')
    expect(rows).toHaveLength(run.findings.length)
    for (const { outcome, message } of rows)
      expect([outcome, message]).toEqual(['skipped', expect.stringContaining('dora')])
    expect(cases.filter(({ suite, outcome }) => suite === 'snapshots' && outcome === 'failure')).toEqual([])
  })

  it('of a hostile run is well formed and holds every row', () => {
    const run = hostileRun()
    const { cases } = read({
      ...run,
      snapshots: run.snapshots.map(row => ({ ...row, name: '\ud800 ]]> &#0; \u0001' })),
    })
    expect(cases.filter(({ suite }) => suite === 'snapshots')).toHaveLength(run.snapshots.length)
    expect(cases.find(({ suite }) => suite === 'restores')?.name).toContain("<script>document.title='owned'</script>")
  })
})
