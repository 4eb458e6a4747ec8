/** `check`: catalogue, presence and bytes of all snapshots, without an engine. */
import type { BlobReader, RequestCounts } from '../blobs/port.ts'
import { makeFinding } from '../check/findings.ts'
import type { CheckedCopy, CheckedSnapshot, CheckResult, Mark } from '../check/result.ts'
import { describeError, type ExitCode, exitCodes, isSnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Finding } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { LastGood } from '../model/run.ts'
import type { Method, VerdictRow } from '../model/verdict.ts'
import { type Clock, isoTime } from '../time.ts'
import { checkSettled } from './settledCheck.ts'

export const checkLevels = ['catalogue', 'presence', 'bytes'] as const
export type CheckLevel = (typeof checkLevels)[number]

export interface CheckReportOptions {
  readonly level: CheckLevel
  /** Bytes of data blobs to read at most; null: no limit. */
  readonly maxBytes: number | null
  /** Nothing new is begun after so many seconds; null: no limit. */
  readonly maxSeconds: number | null
  readonly blobs: BlobReader
  readonly counts: RequestCounts
  readonly requests: number
  readonly maxMetadataBytes: number
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export interface CheckReport {
  readonly schemaVersion: 1
  /** Null: index-N could not be read. */
  readonly generation: number | null
  readonly verdicts: readonly Omit<VerdictRow, 'index'>[]
  readonly findings: readonly Finding[]
  readonly lastGood: readonly LastGood[]
  readonly stats: { readonly requests: number; readonly bytesRead: number; readonly seconds: number }
}

const methods: Readonly<Record<CheckLevel, Method>> = { catalogue: 'read', presence: 'listing', bytes: 'read' }

export async function checkReport(options: CheckReportOptions): Promise<{ report: CheckReport; exitCode: ExitCode }> {
  const { clock, counts, level, maxSeconds } = options
  const start = clock.monotonicMs()
  const over = () => maxSeconds !== null && clock.monotonicMs() - start > maxSeconds * 1000
  const stats = () => ({
    requests: counts.list + counts.get + counts.head,
    bytesRead: counts.bytesRead,
    seconds: (clock.monotonicMs() - start) / 1000,
  })
  try {
    const { catalogue, checked } = await checkSettled({
      ...options,
      credit: 'shared',
      ...(level === 'bytes' ? { bytes: { bytesLeft: options.maxBytes, isOver: over } } : {}),
    })
    const { repositoryData } = catalogue
    const asked = checkLevels.slice(0, checkLevels.indexOf(level) + 1)
    const provenAt = isoTime(clock.nowMs())
    const report: CheckReport = {
      schemaVersion: 1,
      generation: repositoryData.identity.generation,
      verdicts: checked.snapshots.flatMap(snapshot => asked.map(one => row(snapshot, one, repositoryData, provenAt))),
      findings: checked.findings,
      lastGood: lastGood(checked, level, repositoryData),
      stats: stats(),
    }
    return { report, exitCode: exitOf(report, level) }
  } catch (error) {
    if (!isSnapproofError(error, 'unreadable-repository-data')) throw error
    const place = { key: null, snapshots: [], index: null, shard: null }
    const finding = makeFinding({ ...place, code: 'unreadable-repository-data', message: describeError(error) })
    const report = {
      schemaVersion: 1,
      generation: null,
      verdicts: [],
      findings: [finding],
      lastGood: [],
      stats: stats(),
    } as const
    return { report, exitCode: exitCodes.finding }
  }
}

function markAt(marks: CheckedSnapshot | CheckedCopy, level: CheckLevel): Mark {
  // A snapshot without any index has nothing to read; its presence says so.
  return level === 'bytes' ? (marks.byteProof ?? marks.presence) : marks[level]
}

function row(
  checked: CheckedSnapshot,
  level: CheckLevel,
  { snapshots }: RepositoryData,
  provenAt: string,
): Omit<VerdictRow, 'index'> {
  const { verdict, reason } = markAt(checked, level)
  const entry = snapshots[checked.snapshot]
  return {
    snapshot: entry?.name ?? '',
    uuid: entry?.uuid ?? '',
    level,
    verdict,
    reason,
    method: verdict === 'pass' ? methods[level] : null,
    provenAt: verdict === 'pass' ? provenAt : null,
    creditedFrom: null,
  }
}

/** Per index the newest snapshot that passes at the level that was asked for. */
function lastGood({ snapshots }: CheckResult, level: CheckLevel, repository: RepositoryData): LastGood[] {
  const endedMs = (position: number) => repository.snapshots[position]?.endedMs ?? 0
  const newestFirst = [...snapshots].sort(
    (a, b) => endedMs(b.snapshot) - endedMs(a.snapshot) || b.snapshot - a.snapshot,
  )
  const best = new Map<string, LastGood>()
  for (const { snapshot, copies } of newestFirst) {
    const entry = repository.snapshots[snapshot]
    for (const copy of copies) {
      if (entry === undefined || best.has(copy.indexName) || markAt(copy, level).verdict !== 'pass') continue
      const { name, uuid } = entry
      const method = methods[level]
      best.set(copy.indexName, {
        index: copy.indexName,
        snapshot: name,
        uuid,
        endedAt: isoTime(entry.endedMs),
        level,
        method,
      })
    }
  }
  const names = [...new Set(repository.indices.map(index => index.name))].sort()
  return names.map(
    index => best.get(index) ?? { index, snapshot: null, uuid: null, endedAt: null, level, method: null },
  )
}

/** 1 an error; 4 anything inconclusive or unfinished at the level asked for; 0 only when every snapshot passes or needs not. */
function exitOf({ findings, verdicts }: CheckReport, level: CheckLevel): ExitCode {
  const failed = verdicts.some(({ verdict }) => verdict === 'fail')
  if (failed || findings.some(finding => finding.severity === 'error')) return exitCodes.finding
  const open = verdicts.some(one => one.level === level && one.verdict === 'inconclusive')
  return open ? exitCodes.debtBeyondPolicy : exitCodes.good
}
