/**
 * What a check answers to a damaged repository, held against what it must say and against its answer to the whole one: whoever is
 * not accused must stand exactly as before.
 */
import type { BlobReader } from '../../blobs/port.ts'
import type { CheckMemory } from '../../check/memory.ts'
import { describeError, isSnapproofError } from '../../errors.ts'
import { silentLog } from '../../log.ts'
import { type DamageLevel, damageLevels, type Outcome } from '../../repository/damage/kinds.ts'
import type { Clock } from '../../time.ts'
import { type CheckReport, checkReport } from '../checkReport.ts'

export interface Answer {
  readonly report: CheckReport | null
  readonly exitCode: number | null
  readonly error: unknown
}

export interface AskOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** What an earlier look saw; absent: there was none. */
  readonly memory?: CheckMemory
  readonly footers?: boolean
}

/** One answer of the check; pauses cost nothing, since the repository does not move. */
export async function askCheck(blobs: BlobReader, level: DamageLevel, options: AskOptions): Promise<Answer> {
  const { clock, signal, memory = null, footers = false } = options
  try {
    const answer = await checkReport({
      level,
      maxBytes: null,
      maxSeconds: null,
      blobs,
      counts: { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 },
      requests: 8,
      maxMetadataBytes: 1 << 28,
      memory,
      footers,
      clock: { ...clock, sleep: async () => {} },
      log: silentLog,
      signal,
    })
    return { ...answer, error: null }
  } catch (error) {
    signal.throwIfAborted()
    return { report: null, exitCode: null, error }
  }
}

/** What is wrong with an answer; empty: nothing. */
export function complaints(expected: Outcome, level: DamageLevel, healthy: CheckReport, answer: Answer): string[] {
  const { report, exitCode, error } = answer
  if (expected.kind === 'refused') {
    return isSnapproofError(error, expected.code) ? [] : [`expected ${expected.code}, got ${describeAnswer(answer)}`]
  }
  if (report === null) return [`the check threw: ${describeError(error)}`]
  const before = new Set(healthy.findings.map(({ id }) => id))
  const isWanted = expected.kind === 'finding' && expected.severity === 'information'
  const told = report.findings.filter(({ severity, id }) => severity !== 'information' || (isWanted && !before.has(id)))
  const seen = told.map(finding => `${finding.severity} ${finding.code} ${finding.key}`)
  const visible = expected.kind !== 'finding' || damageLevels.indexOf(expected.level) <= damageLevels.indexOf(level)
  if (expected.kind === 'nothing' || !visible) {
    const wrong = seen.map(text => `nothing was to be said: ${text}`)
    const { forgets = [], leavesOpen = [] } = expected.kind === 'nothing' ? expected : {}
    const others = spillover(healthy, report, new Set([...forgets, ...leavesOpen]))
    return [...wrong, ...closed(report, new Set(leavesOpen)), ...others]
  }
  if (expected.kind === 'findings') {
    const others = told.filter(({ code }) => !expected.codes.includes(code))
    const wrong = others.map(({ code, key }) => `unexpected ${code} ${key}`)
    return told.length === 0 ? ['nothing was said'] : wrong
  }
  const wrong: string[] = []
  const [finding] = told
  if (told.length !== 1) wrong.push(`expected one finding, got ${told.length}: ${seen.slice(0, 6).join('; ')}`)
  if (finding === undefined) return wrong
  const key = named(expected, finding.key, finding.message)
  if (finding.code !== expected.code || finding.severity !== expected.severity || key !== expected.key)
    wrong.push(`expected ${expected.severity} ${expected.code} ${expected.key}, got ${seen[0]}`)
  const accused = [...finding.snapshots].sort().join()
  if (accused !== [...expected.snapshots].sort().join())
    wrong.push(`expected to accuse ${expected.snapshots}, got ${accused}`)
  const guilty = new Set(expected.severity === 'error' ? expected.snapshots : [])
  const wantedExit = expected.severity === 'error' ? 1 : null
  if (wantedExit !== null && exitCode !== wantedExit) wrong.push(`exit code ${exitCode}`)
  if (expected.code === 'unreadable-repository-data') return wrong
  for (const row of report.verdicts) {
    if (!guilty.has(row.uuid)) continue
    const reached = damageLevels.indexOf(row.level as DamageLevel) >= damageLevels.indexOf(expected.level)
    if (reached && row.verdict !== 'fail')
      wrong.push(`${row.snapshot} is ${row.verdict} (${row.reason}) at ${row.level}`)
    if (!reached && row.verdict === 'fail') wrong.push(`${row.snapshot} fails at ${row.level} already`)
  }
  if (expected.leavesOpen !== true) return [...wrong, ...spillover(healthy, report, guilty)]
  const open = new Set(expected.snapshots)
  return [...wrong, ...closed(report, open), ...spillover(healthy, report, open)]
}

/** Snapshots that were to be left open and are not. */
function closed({ verdicts }: CheckReport, open: ReadonlySet<string>): string[] {
  return verdicts
    .filter(({ uuid, verdict }) => open.has(uuid) && (verdict === 'pass' || verdict === 'fail'))
    .map(({ snapshot, verdict, level }) => `${snapshot} is ${verdict} at ${level}`)
}

/** Of a file in parts nobody can tell which is wrong; `index-N` may be named in the words alone. */
function named(expected: Extract<Outcome, { kind: 'finding' }>, key: string | null, message: string): string | null {
  if (expected.code === 'corrupt-data-blob') return key?.replace(/\.part\d+$/, '') ?? null
  if (expected.code === 'unreadable-repository-data' && key === null && message.includes(expected.key ?? ''))
    return expected.key
  return key
}

/** Whoever is not accused stands as in the whole repository. */
function spillover(healthy: CheckReport, report: CheckReport, guilty: ReadonlySet<string>): string[] {
  const standing = ({ verdicts }: CheckReport) =>
    verdicts
      .filter(({ uuid }) => !guilty.has(uuid))
      // A pass is a pass, seen tonight or remembered.
      .map(({ uuid, level, verdict, reason }) => `${uuid} ${level} ${verdict} ${verdict === 'pass' ? '' : reason}`)
  const before = new Set(standing(healthy))
  const after = standing(report)
  const wrong = after.filter(row => !before.has(row)).map(row => `not accused, and stands otherwise: ${row}`)
  return after.length === before.size ? wrong : [...wrong, `${after.length} verdicts, expected ${before.size}`]
}

function describeAnswer({ report, error }: Answer): string {
  return report === null ? describeError(error) : report.findings.map(({ code }) => code).join(', ') || 'no finding'
}
