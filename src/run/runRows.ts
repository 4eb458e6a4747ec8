/** What a run leaves in the ledger of itself, and what the runs before it left there. */
import type { JournalRow, RunRow } from '../model/journal.ts'
import type { RunResult } from '../model/run.ts'
import { isoTime } from '../time.ts'

/** What a run says of itself and every snapshot, every night. */
export function journalRows(run: RunResult): JournalRow[] {
  const passes = run.restores.filter(row => row.verdict === 'pass')
  const seconds = passes.reduce((sum, row) => sum + row.seconds.mirror + row.seconds.restore, 0)
  const bytes = passes.reduce((sum, row) => sum + row.bytes, 0)
  const atMs = Date.parse(run.endedAt)
  const rows: JournalRow[] = run.snapshots.map(snapshot => ({
    kind: 'snapshot',
    runId: run.runId,
    snapshot: snapshot.name,
    snapshotUuid: snapshot.uuid,
    endedMs: snapshot.endedAt === null ? null : Date.parse(snapshot.endedAt),
    atMs,
    catalogue: snapshot.levels.catalogue?.verdict ?? 'inconclusive',
    presence: snapshot.levels.presence?.verdict ?? 'inconclusive',
    restore: snapshot.levels.restore?.verdict ?? 'inconclusive',
  }))
  rows.push({
    kind: 'run',
    runId: run.runId,
    command: run.command,
    startedMs: Date.parse(run.startedAt),
    endedMs: atMs,
    exitCode: run.exit.code,
    toolVersion: run.tool.version,
    generation: run.repository.generation,
    repositoryUuid: run.repository.uuid,
    clusterId: run.repository.clusterId,
    planned: run.forecast?.contents ?? run.restores.length,
    proven: passes.length,
    failed: run.restores.filter(row => row.verdict === 'fail').length,
    inconclusive: run.restores.filter(row => row.verdict === 'inconclusive').length,
    debtContents: run.debt.contents,
    debtBytes: run.debt.bytes,
    findings: run.findings.length,
    restoreBytesPerSecond: seconds > 0 ? bytes / seconds : null,
  })
  return rows
}

/** `runs`: oldest first. */
export function historyOf(runs: readonly RunRow[]): RunResult['history'] {
  return runs.map(run => ({
    runId: run.runId,
    endedAt: isoTime(run.endedMs),
    debtContents: run.debtContents,
    proven: run.proven,
    findings: run.findings,
    exitCode: run.exitCode,
  }))
}
