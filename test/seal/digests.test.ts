/** What a run expected and found, as hashes over lines that another program can write. */
import { expect, test } from 'vitest'
import { digestsOf } from '../../src/seal/digests.ts'
import { canonicalJson, sha256 } from '../../src/seal/record.ts'
import { hostileRun, sampleRun } from '../support/runs.ts'

test('each digest follows its own rows and no others', () => {
  const run = sampleRun()
  const before = digestsOf(run, new Map())
  const changed = (next: Parameters<typeof digestsOf>[0]) => {
    const after = digestsOf(next, new Map())
    return [
      ...(after.expected.restores === before.expected.restores ? [] : ['expected']),
      ...Object.entries(after.found).flatMap(([name, hash]) =>
        hash === before.found[name as keyof typeof before.found] ? [] : [name],
      ),
    ]
  }
  const [row, ...others] = run.restores
  if (row === undefined) throw new Error('the sample has restores')
  expect(changed({ ...run, restores: [{ ...row, expectedDocs: 1 }, ...others] })).toEqual(['expected'])
  expect(changed({ ...run, restores: [{ ...row, foundDocs: 1 }, ...others] })).toEqual(['restores'])
  expect(changed({ ...run, findings: [] })).toEqual(['findings'])
  expect(changed({ ...run, verdicts: run.verdicts.slice(1) })).toEqual(['verdicts'])
  expect(digestsOf({ ...run, findings: [] }, new Map()).found.findings).toBe(sha256(''))
})

test('evidence is every file but the two outputs, by name, in whatever order it was written', () => {
  const files: [string, string][] = [
    ['report.html', 'c'],
    ['evidence/b', 'b'],
    ['run.json', 'd'],
    ['evidence/a', 'a'],
  ]
  const digest = (written: [string, string][]) => digestsOf(sampleRun(), new Map(written)).found.evidence
  expect(digest(files)).toBe(sha256('a  "evidence/a"\nb  "evidence/b"\n'))
  expect(digest([...files].reverse())).toBe(digest(files))
})

test('hostile names are written in characters that every program reads alike', () => {
  expect(canonicalJson(['é\u2028😀\ud800\u0007\u007f'])).toBe(
    String.raw`["\u00e9\u2028\ud83d\ude00\ud800\u0007\u007f"]`,
  )
  expect(digestsOf(hostileRun(), new Map()).found.verdicts).toMatch(/^[0-9a-f]{64}$/)
})
