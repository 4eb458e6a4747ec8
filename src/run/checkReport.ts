/** `check`: catalogue, presence and bytes of all snapshots, without an engine. */
import type { BlobReader, RequestCounts } from '../blobs/port.ts'
import { makeFinding } from '../check/findings.ts'
import type { CheckMemory } from '../check/memory.ts'
import type { CheckedSnapshot, CheckResult, Mark } from '../check/result.ts'
import type { StoreSums } from '../check/storeChecksums.ts'
import { describeError, type ExitCode, exitCodes, isSnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { PriceTable } from '../model/cost.ts'
import type { Finding } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { LastGood, SelfCheck } from '../model/run.ts'
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
  /** Nothing new is begun after so many requests; null: no limit. */
  readonly maxRequests?: number | null
  /** What earlier checks saw; null: everything is read, and nothing is kept. */
  readonly memory?: CheckMemory | null
  /** Look at the last 16 bytes of every data file; a sample, no proof. */
  readonly footers?: boolean
  /** Sums that the store has; null: every byte is read. */
  readonly storeSums?: StoreSums | null
  readonly blobs: BlobReader
  readonly counts: RequestCounts
  /** For what is told of unreferenced objects; absent: no money is named. */
  readonly prices?: PriceTable
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
  readonly stats: {
    readonly requests: number
    readonly bytesRead: number
    readonly seconds: number
    /** Absent: nobody asked for it. */
    readonly selfCheck?: Pick<SelfCheck, 'planted' | 'found' | 'seconds'>
  }
}

const methods: Readonly<Record<CheckLevel, Method>> = { catalogue: 'read', presence: 'listing', bytes: 'read' }

export async function checkReport(options: CheckReportOptions): Promise<{ report: CheckReport; exitCode: ExitCode }> {
  const { clock, counts, level, maxSeconds, maxRequests = null, memory = null } = options
  const start = clock.monotonicMs()
  const requests = () => counts.list + counts.get + counts.head
  const isOver = () =>
    (maxSeconds !== null && clock.monotonicMs() - start > maxSeconds * 1000) ||
    (maxRequests !== null && requests() >= maxRequests)
  const stats = () => ({
    requests: requests(),
    bytesRead: counts.bytesRead,
    seconds: (clock.monotonicMs() - start) / 1000,
  })
  try {
    const { blobs, maxMetadataBytes, log, signal } = options
    const { catalogue, checked } = await checkSettled({
      blobs,
      requests: options.requests,
      maxMetadataBytes,
      clock,
      log,
      signal,
      credit: 'shared',
      collect: 'summary',
      isOver,
      footers: options.footers ?? false,
      ...(memory === null ? {} : { memory }),
      ...(options.prices === undefined ? {} : { prices: options.prices }),
      ...(options.storeSums == null ? {} : { storeSums: options.storeSums }),
      ...(level === 'bytes' ? { bytes: { bytesLeft: options.maxBytes, isOver } } : {}),
    })
    const { repositoryData } = catalogue
    const asked = checkLevels.slice(0, checkLevels.indexOf(level) + 1)
    const nowMs = clock.nowMs()
    const report: CheckReport = {
      schemaVersion: 1,
      generation: repositoryData.identity.generation,
      verdicts: checked.snapshots.flatMap(snapshot => asked.map(one => row(snapshot, one, repositoryData, nowMs))),
      findings: checked.findings,
      lastGood: lastGood(checked, level, repositoryData),
      stats: stats(),
    }
    return { report, exitCode: exitOf(report) }
  } catch (error) {
    if (!isSnapproofError(error, 'unreadable-repository-data')) throw error
    const key = /index-\d+/.exec(describeError(error))?.[0] ?? null
    const place = { key, snapshots: [], index: null, shard: null }
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

function markAt(marks: CheckedSnapshot, level: CheckLevel): Mark {
  // A snapshot without any index has nothing to read; its presence says so.
  return level === 'bytes' ? (marks.byteProof ?? marks.presence) : marks[level]
}

function row(
  checked: CheckedSnapshot,
  level: CheckLevel,
  { snapshots }: RepositoryData,
  nowMs: number,
): Omit<VerdictRow, 'index'> {
  const { verdict, reason, method = methods[level], provenMs = nowMs } = markAt(checked, level)
  const entry = snapshots[checked.snapshot]
  return {
    snapshot: entry?.name ?? '',
    uuid: entry?.uuid ?? '',
    level,
    verdict,
    reason,
    method: verdict === 'pass' ? method : null,
    provenAt: verdict === 'pass' ? isoTime(provenMs) : null,
    creditedFrom: null,
  }
}

/** Per index the newest snapshot that passes at the level that was asked for. */
function lastGood({ newest }: CheckResult, level: CheckLevel, { indices, snapshots }: RepositoryData): LastGood[] {
  const names = [...new Set(indices.map(index => index.name))].sort()
  return names.map((index): LastGood => {
    const best = newest.get(index)?.get(level)
    const entry = best === undefined ? undefined : snapshots[best.position]
    if (best === undefined || entry === undefined)
      return { index, snapshot: null, uuid: null, endedAt: null, level, method: null }
    const { name, uuid, endedMs } = entry
    return { index, snapshot: name, uuid, endedAt: isoTime(endedMs), level, method: best.mark.method ?? methods[level] }
  })
}

/** 1 an error; 4 anything inconclusive or unfinished up to the level asked for; 0 only when every snapshot passes or needs not. */
export function exitOf({ findings, verdicts }: CheckReport): ExitCode {
  const failed = verdicts.some(({ verdict }) => verdict === 'fail')
  if (failed || findings.some(finding => finding.severity === 'error')) return exitCodes.finding
  const open = verdicts.some(one => one.verdict === 'inconclusive')
  return open ? exitCodes.debtBeyondPolicy : exitCodes.good
}
