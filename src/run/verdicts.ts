/**
 * From what the check found and the ledger remembers to verdicts: per index and per snapshot, at every level. Pure.
 *
 * A content proven in one snapshot counts for another only where that one's own metadata and data were found good in
 * this run: `ContentRecord.snapshots` holds exactly those.
 */

import { methodOrder } from '../check/bytes.ts'
import { markOf } from '../check/checkIndex.ts'
import type { CheckedCopy, CheckedSnapshot, CheckResult, Mark } from '../check/result.ts'
import { wholeMark } from '../check/snapshotMarks.ts'
import type { Finding } from '../model/finding.ts'
import type { ContentRecord } from '../model/plan.ts'
import type { Policy } from '../model/policy.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import type { LastGood } from '../model/run.ts'
import { newestFirst } from '../model/snapshotOrder.ts'
import type { Level, Method, Reason, VerdictRow } from '../model/verdict.ts'
import { isExcused, proofState } from '../plan/debt.ts'
import { isoTime } from '../time.ts'
import { datedSnapshots } from './dated.ts'

export interface VerdictInput {
  readonly repository: RepositoryData
  readonly checked: CheckResult
  /** With the proofs as they are after the work. */
  readonly contents: readonly ContentRecord[]
  /** Findings of the work itself (mirror, restore). */
  readonly workFindings: readonly Finding[]
  /** `<index id> <content id>` → why this run did not get to it. */
  readonly left: ReadonlyMap<string, Reason>
  /** Uuids of snapshots that were deleted while the run was going on. */
  readonly expired: ReadonlySet<string>
  readonly policy: Policy
  readonly runId: string
  readonly checkedAtMs: number
  readonly nowMs: number
}

export interface LevelMark {
  readonly mark: Mark
  readonly method: Method | null
  readonly provenMs: number | null
  readonly creditedFrom: string | null
}

export interface JudgedCopy {
  readonly copy: CheckedCopy
  readonly levels: LevelMarks
}

/** `rules`: absent where no rule is configured. */
export type LevelMarks = Readonly<Record<'catalogue' | 'presence' | 'bytes' | 'restore', LevelMark>> & {
  readonly rules?: LevelMark
}

export interface JudgedSnapshot {
  readonly entry: SnapshotEntry
  readonly checked: CheckedSnapshot
  readonly levels: JudgedCopy['levels']
  readonly copies: readonly JudgedCopy[]
}

export const judgedLevels = ['catalogue', 'presence', 'bytes', 'restore', 'rules'] as const

export function judgeSnapshots(input: VerdictInput): JudgedSnapshot[] {
  const contentOf = new Map<string, ContentRecord>()
  for (const content of input.contents) {
    for (const position of content.snapshots) contentOf.set(`${position} ${content.indexId}`, content)
  }
  const accused = new Set(
    input.workFindings
      .filter(finding => finding.severity === 'error' && finding.key !== null)
      .flatMap(finding => finding.snapshots.map(uuid => `${uuid} ${finding.index ?? ''}`)),
  )
  const entries = datedSnapshots(input.repository.snapshots, input.checked)
  return input.checked.snapshots.map(checked => {
    const entry = entries[checked.snapshot]
    if (entry === undefined) throw new RangeError(`no snapshot at position ${checked.snapshot}`)
    const hit = (index: string) => accused.has(`${entry.uuid} ${index}`)
    const copies = checked.copies.map(copy => {
      const content = contentOf.get(`${copy.snapshot} ${copy.indexId}`)
      return judgeCopy(copy, content, entry, hit(copy.indexName) || hit(''), input)
    })
    return judgeWhole(entry, checked, copies, hit(''), input)
  })
}

function judgeCopy(
  copy: CheckedCopy,
  content: ContentRecord | undefined,
  entry: SnapshotEntry,
  accused: boolean,
  input: VerdictInput,
): JudgedCopy {
  const seen = { provenMs: input.checkedAtMs, creditedFrom: null }
  const catalogue = levelMark(copy.catalogue, { ...seen, method: 'read' })
  const presence = levelMark(copy.presence, { ...seen, method: 'listing' })
  const base = baseMark(copy, content)
  if (accused) {
    return { copy, levels: { catalogue, presence, bytes: bare('found'), restore: bare('lower-level-failed') } }
  }
  if (copy.byteProof?.verdict === 'fail') {
    const bytes = { ...bare('found'), mark: copy.byteProof }
    return { copy, levels: { catalogue, presence, bytes, restore: bare('lower-level-failed') } }
  }
  if (base !== null || content === undefined) {
    const mark = { mark: base ?? markOf('not-read'), method: null, provenMs: null, creditedFrom: null }
    return { copy, levels: { catalogue, presence, bytes: younger(mark, copy.byteProof, input), restore: mark } }
  }
  if (copy.byteProof?.reason === 'repository-moved') {
    // What was read was wrong, and only the writer that moved everything keeps it from being told.
    const open = bare('repository-moved')
    return { copy, levels: { catalogue, presence, bytes: open, restore: open } }
  }
  const restore = restoreMark(content, entry, input)
  const bytes = younger(bytesMark(restore, content, input), copy.byteProof, input)
  return { copy, levels: { catalogue, presence, bytes, restore } }
}

/** What the check read itself counts beside what a restore read: the later look speaks. */
function younger(byRestore: LevelMark, read: Mark | undefined, { checkedAtMs }: VerdictInput): LevelMark {
  if (read === undefined || byRestore.mark.verdict === 'fail') return byRestore
  // No restore speaks for an index that has none, and none for bytes that are others from look to look.
  const unread = byRestore.mark.verdict === 'not-applicable' || read.reason === 'unstable-read'
  if (read.verdict !== 'pass' && unread) return { ...bare(read.reason), mark: read }
  if (read.verdict !== 'pass') return byRestore
  const provenMs = read.provenMs ?? checkedAtMs
  if (byRestore.mark.verdict === 'pass' && (byRestore.provenMs ?? 0) >= provenMs) return byRestore
  return { mark: read, method: read.method ?? 'read', provenMs, creditedFrom: null }
}

/** What decides before any proof is looked at; null: the proof decides. */
function baseMark(copy: CheckedCopy, content: ContentRecord | undefined): Mark | null {
  if (copy.catalogue.verdict === 'fail' || copy.presence.verdict === 'fail') return markOf('lower-level-failed')
  if (copy.obstacle !== null) return markOf(copy.obstacle)
  if (copy.catalogue.verdict !== 'pass') return copy.catalogue
  if (copy.presence.verdict !== 'pass') return copy.presence
  return content === undefined ? markOf('not-read') : null
}

function restoreMark(content: ContentRecord, entry: SnapshotEntry, input: VerdictInput): LevelMark {
  const { proof } = content
  const state = proofState(content, input)
  if (proof !== null && state === 'failed') {
    return {
      mark: markOf(proof.runId === input.runId ? 'found' : 'failed-before'),
      method: proof.method,
      provenMs: proof.provenMs,
      creditedFrom: null,
    }
  }
  if (proof !== null && (state === 'good' || state === 'refresh')) {
    const age = input.nowMs - Math.min(proof.provenMs, input.nowMs)
    if (age > input.policy.restoreEveryContentWithinDays * 86_400_000)
      return bare(isExcused(content) ? 'system-index' : 'too-old')
    const own = proof.snapshotUuid === entry.uuid
    const reason = own ? (proof.runId === input.runId ? 'proven' : 'remembered') : 'credited'
    return {
      mark: markOf(reason),
      method: proof.method,
      provenMs: proof.provenMs,
      creditedFrom: own ? null : proof.snapshot,
    }
  }
  return bare(whyNot(content, state, input))
}

/** Why an unproven content is unproven: what this run met, what it left, or what the proof lacks. */
function whyNot(content: ContentRecord, state: string, { left, runId }: VerdictInput): Reason {
  const { lastInconclusive } = content
  if (isExcused(content)) return 'system-index'
  if (lastInconclusive !== null && lastInconclusive.runId === runId) return lastInconclusive.reason
  const leftBecause = left.get(`${content.indexId} ${content.contentId}`)
  if (leftBecause !== undefined && leftBecause !== 'not-asked') return leftBecause
  return state === 'lapsed' ? 'lapsed' : 'not-yet-verified'
}

/**
 * The mirror reads every byte that is restored and compares its CRC-32, so a restore proves the bytes as well. The policy
 * wants them read again sooner than restored.
 */
function bytesMark(restore: LevelMark, { proof }: ContentRecord, { policy, nowMs }: VerdictInput): LevelMark {
  if (restore.mark.verdict === 'pass') {
    const tooOld = nowMs - (restore.provenMs ?? 0) > policy.bytesWithinDays * 86_400_000
    return tooOld ? bare('too-old') : { ...restore, method: 'read' }
  }
  if (restore.mark.verdict !== 'fail') return { ...restore, method: null }
  // A restore that failed with good bytes leaves the bytes good; a bad blob fails both.
  return proof?.reason === 'lower-level-failed' ? { ...restore, method: 'read' } : bare('not-yet-verified')
}

function judgeWhole(
  entry: SnapshotEntry,
  checked: CheckedSnapshot,
  copies: readonly JudgedCopy[],
  accused: boolean,
  input: VerdictInput,
): JudgedSnapshot {
  if (input.expired.has(entry.uuid)) {
    const gone = bare('expired')
    return { entry, checked, copies: [], levels: { catalogue: gone, presence: gone, bytes: gone, restore: gone } }
  }
  const seen = { provenMs: input.checkedAtMs, creditedFrom: null }
  const whole = (level: 'bytes' | 'restore'): LevelMark => {
    if (accused || checked.catalogue.verdict === 'fail') return bare('lower-level-failed')
    const parts = copies.map(copy => copy.levels[level])
    const mark = wholeMark(
      parts.map(part => part.mark),
      checked.obstacle,
    )
    const proven = parts.map(part => part.provenMs).filter(ms => ms !== null)
    const provenMs = mark.verdict === 'pass' && proven.length > 0 ? Math.min(...proven) : null
    const found = new Set(parts.map(part => part.method))
    const method = mark.verdict === 'pass' ? (methodOrder.find(one => found.has(one)) ?? null) : null
    return { mark: mark.verdict === 'pass' ? passMark(parts) : mark, method, provenMs, creditedFrom: null }
  }
  const levels = {
    catalogue: levelMark(checked.catalogue, { ...seen, method: 'read' as const }),
    presence: levelMark(checked.presence, { ...seen, method: 'listing' as const }),
    bytes: whole('bytes'),
    restore: whole('restore'),
  }
  return { entry, checked, levels, copies }
}

/** A whole passes as its weakest part does. */
function passMark(parts: readonly LevelMark[]): Mark {
  const found = new Set(parts.map(part => part.mark.reason))
  return markOf(found.has('credited') ? 'credited' : found.has('remembered') ? 'remembered' : 'proven')
}

function levelMark(mark: Mark, seen: Omit<LevelMark, 'mark'>): LevelMark {
  return mark.verdict === 'pass'
    ? { mark, ...seen, provenMs: mark.provenMs ?? seen.provenMs }
    : { mark, method: null, provenMs: null, creditedFrom: null }
}

function bare(reason: Reason): LevelMark {
  return { mark: markOf(reason), method: null, provenMs: null, creditedFrom: null }
}

/** One row per snapshot and level; rows of single indices where the snapshot does not simply pass. */
export function verdictRows(judged: readonly JudgedSnapshot[], maxIndexRows: number): VerdictRow[] {
  const rows: VerdictRow[] = []
  let indexRows = 0
  for (const { entry, levels, copies } of judged) {
    for (const level of judgedLevels) if (levels[level] !== undefined) rows.push(row(entry, null, level, levels[level]))
    for (const { copy, levels: own } of copies) {
      for (const level of judgedLevels) {
        const found = own[level]
        if (found === undefined || (levels[level]?.mark.verdict === 'pass' && level !== 'restore')) continue
        if (level === 'rules' && found.mark.verdict === 'not-applicable') continue
        // Failures are always named; the rest up to a bound, so that run.json stays readable at any size.
        if (found.mark.verdict !== 'fail' && ++indexRows > maxIndexRows) continue
        rows.push(row(entry, copy.indexName, level, found))
      }
    }
  }
  return rows
}

function row(entry: SnapshotEntry, index: string | null, level: Level, found: LevelMark): VerdictRow {
  return {
    snapshot: entry.name,
    uuid: entry.uuid,
    index,
    level,
    verdict: found.mark.verdict,
    reason: found.mark.reason,
    method: found.method,
    provenAt: isoTime(found.provenMs),
    creditedFrom: found.creditedFrom,
  }
}

/** Per index the newest snapshot that is good by its rules; where there is none by restore, then at least present. */
export function lastGoodOf(judged: readonly JudgedSnapshot[], repository: RepositoryData): LastGood[] {
  const inOrder = [...judged].sort((a, b) => newestFirst(a.entry, b.entry))
  const names = [...new Set(repository.indices.map(index => index.name))].sort()
  const best = new Map<string, LastGood>()
  for (const level of ['rules', 'restore', 'presence'] as const) {
    for (const { entry, copies } of inOrder) {
      for (const { copy, levels } of copies) {
        if (best.has(copy.indexName) || levels[level]?.mark.verdict !== 'pass') continue
        // What is there and known to be bad is good at no level.
        if (judgedLevels.some(one => levels[one]?.mark.verdict === 'fail')) continue
        best.set(copy.indexName, {
          index: copy.indexName,
          snapshot: entry.name,
          uuid: entry.uuid,
          endedAt: isoTime(entry.endedMs),
          level,
          method: levels[level]?.method ?? null,
        })
      }
    }
  }
  return names.map(
    index => best.get(index) ?? { index, snapshot: null, uuid: null, endedAt: null, level: 'restore', method: null },
  )
}
