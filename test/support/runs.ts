/** Runs for tests of report and metrics: the committed sample and runs derived from it. */
import { readFileSync } from 'node:fs'
import type { Finding } from '../../src/model/finding.ts'
import type { RestoreRow, RunResult, SnapshotSummary } from '../../src/model/run.ts'
import type { VerdictValue } from '../../src/model/verdict.ts'
import { parseRun } from '../../src/report/run-json.ts'

const reports = new URL('../../reports/', import.meta.url)

export const sampleText = readFileSync(new URL('sample/run.json', reports), 'utf8')
export const sampleReport = readFileSync(new URL('sample/report.html', reports), 'utf8')
export const style = readFileSync(new URL('style.css', reports), 'utf8')

/** A night with one damaged blob: five snapshots of which three fail, one restore cut short by our own trouble. */
export function sampleRun(changes: Partial<RunResult> = {}): RunResult {
  return { ...parseRun(sampleText), ...changes }
}

export function first<T>(items: readonly T[]): T {
  const item = items[0]
  if (item === undefined) throw new Error('the sample has no such row')
  return item
}

export function withRestoreVerdict(snapshot: SnapshotSummary, verdict: VerdictValue): SnapshotSummary {
  const reason = {
    pass: 'proven',
    fail: 'found',
    inconclusive: 'not-yet-verified',
    'not-applicable': 'empty-at-source',
  } as const
  const ok = { verdict: 'pass', reason: 'proven' } as const
  return { ...snapshot, levels: { catalogue: ok, presence: ok, restore: { verdict, reason: reason[verdict] } } }
}

const noDebt = { failed: 0, overdue: 0, newest: 0, lapsed: 0, never: 0, refresh: 0 }

/** The same repository on a night without anything wrong and without debt. */
export function goodRun(changes: Partial<RunResult> = {}): RunResult {
  const sample = sampleRun()
  return {
    ...sample,
    exit: { code: 0, applies: [0], reason: '' },
    snapshots: sample.snapshots.map(snapshot => withRestoreVerdict(snapshot, 'pass')),
    verdicts: [],
    findings: [],
    restores: sample.restores.filter(row => row.verdict === 'pass'),
    debt: {
      contents: 0,
      bytes: 0,
      overdue: 0,
      byKind: noDebt,
      oldestDays: null,
      nightsToCatchUp: null,
      contentsBefore: 4,
    },
    contents: { total: 14, proven: 14 },
    ...changes,
  }
}

/** The name that hurts: markup, a control character, a turned reading direction, and length. */
export const hostile = `<script>document.title='owned'</script>"'&\u0000\u001b[31m\u202egnp.exe ${'x'.repeat(10_000)}`

/** Every string that comes from the repository or the store is hostile. */
export function hostileRun(): RunResult {
  const sample = sampleRun()
  const finding = (row: Finding): Finding => ({
    ...row,
    key: hostile,
    index: hostile,
    message: hostile,
    advice: hostile,
    code: row.code,
  })
  const restore = (row: RestoreRow): RestoreRow => ({
    ...row,
    index: hostile,
    snapshot: hostile,
    message: hostile,
    creditedTo: [hostile, hostile],
    engine: hostile,
  })
  return {
    ...sample,
    repository: {
      ...sample.repository,
      name: hostile,
      url: hostile,
      uuid: hostile,
      clusterId: hostile,
      format: hostile,
    },
    snapshots: sample.snapshots.map(row => ({ ...row, name: hostile })),
    verdicts: sample.verdicts.map(row => ({ ...row, snapshot: hostile, index: row.index === null ? null : hostile })),
    findings: sample.findings.map(finding),
    accepted: sample.findings.map(row => ({
      finding: finding(row),
      until: sample.endedAt,
      reason: hostile,
      approver: hostile,
    })),
    lastGood: sample.lastGood.map(row => ({ ...row, index: hostile, snapshot: hostile })),
    restores: sample.restores.map(restore),
    limitsOfProof: [hostile],
    exit: { ...sample.exit, reason: hostile },
    engines: sample.engines.map(row => ({ ...row, name: hostile, product: hostile, version: hostile })),
  }
}
