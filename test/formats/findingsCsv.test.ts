/** findings.csv, opened by another program: Python's csv. */
import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { findingsCsv } from '../../src/formats/findingsCsv.ts'
import { first, hostileRun, sampleRun } from '../support/runs.ts'

/** A hand-made reader, by RFC 4180 alone. */
function rowsOf(text: string): string[][] {
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/y
  const rows: string[][] = [[]]
  while (field.lastIndex < text.length) {
    const at = field.lastIndex
    const found = field.exec(text)
    if (found === null) throw new Error(`no CSV at ${at}`)
    const [, cell = '', end] = found
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)
    if (end === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}

it('has one row for each finding, accepted ones with who answers for them', () => {
  const run = sampleRun()
  const [finding] = [first(run.findings)]
  const accepted = { finding: { ...finding, id: 'other' }, until: run.endedAt, reason: 'known', approver: 'dora' }
  const [header, ...rows] = rowsOf(findingsCsv({ ...run, accepted: [accepted] }))
  expect(rows).toHaveLength(run.findings.length + 1)
  const named = rows.map(row => Object.fromEntries((header ?? []).map((name, i) => [name, row[i]])))
  expect(named[0]).toMatchObject({ id: finding.id, code: finding.code, severity: finding.severity, accepted_by: '' })
  const names = finding.snapshots.map(uuid => run.snapshots.find(row => row.uuid === uuid)?.name ?? uuid)
  expect(named[0]?.snapshots).toBe(names.join(' '))
  expect(named.at(-1)).toMatchObject({ id: 'other', accepted_by: 'dora', accepted_reason: 'known' })
})

it('of a run without findings is a header', () => {
  expect(rowsOf(findingsCsv(sampleRun({ findings: [], accepted: [] })))).toHaveLength(1)
})

it('no cell of a hostile run is a formula, and none commands a terminal', () => {
  const run = hostileRun()
  const evil = run.findings.map((finding, i) => ({
    ...finding,
    index: ['=cmd|x', '+1', '-1', '@SUM(1)', '\t=1', '\n=1', '＝1+1'][i % 7] ?? null,
    message: '=HYPERLINK("http://x","y")\r\n",=1',
  }))
  const rows = rowsOf(findingsCsv({ ...run, findings: [...evil, ...evil] }))
  const cells = rows.flat()
  expect(cells.filter(cell => /^[\s=+\-@＝＋－＠]/.test(cell))).toEqual([])
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(cells.filter(cell => /[\u0000-\u0008\u001b\u202e]/.test(cell))).toEqual([])
  expect(new Set(rows.map(row => row.length))).toEqual(new Set([12]))
})

it('is read by Python as it is by us', () => {
  const text = findingsCsv(hostileRun())
  const script =
    'import csv, io, json, sys; data = sys.stdin.buffer.read().decode(); print(json.dumps(list(csv.reader(io.StringIO(data, newline="")))))'
  let said: string
  try {
    said = execFileSync('python3', ['-c', script], { input: text, encoding: 'utf8', timeout: 60_000 })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    return console.warn('SKIPPED: there is no python3')
  }
  expect(JSON.parse(said)).toEqual(rowsOf(text))
})
