/** One attempt at one content: restore, wait, ask, account for every blob, judge. */
import type { Engine } from '../engine/port.ts'
import { describeError, SnapproofError } from '../errors.ts'
import { askQuestions } from '../evidence/askRules.ts'
import { gatherEvidence } from '../evidence/gather.ts'
import type { Log } from '../log.ts'
import type { Question } from '../model/answers.ts'
import type { BlobReading, ChainFacts, Evidence, Expectation } from '../model/evidence.ts'
import { isSystemName } from '../model/feature.ts'
import type { PlannedContent } from '../model/plan.ts'
import type { Source } from '../plan/fit.ts'
import { copiedBlobs } from '../restore/copiedBlobs.ts'
import { ownTrouble, type RestoreOutcome, restoreContent } from '../restore/restoreContent.ts'
import { everyBlobRead, unreadBlobs } from '../rules/everyBlobRead.ts'
import { builtInRules, type Judgement, judge } from '../rules/judge.ts'
import { ownReason } from '../rules/serverWords.ts'
import { type Clock, isoTime, withDeadline } from '../time.ts'
import { repositoryOf } from './engines.ts'
import type { LoadedContent } from './group.ts'
import type { KeptRestores } from './keep.ts'
import { logExcerpt } from './serverLog.ts'

export interface Attempt {
  readonly planned: PlannedContent
  /** Name of the engine in the configuration. */
  readonly engine: string
  /** 1, or 2 for a repeat in a fresh server; 0 when nothing was restored. */
  readonly number: number
  readonly atMs: number
  /** Uuids of all snapshots that hold the content. */
  readonly sharedWith: readonly string[]
  readonly judgement: Judgement
  readonly expected: Expectation | null
  readonly evidence: Evidence | null
  readonly seconds: { readonly mirror: number; readonly restore: number; readonly questions: number }
}

export interface AttemptOptions {
  readonly restoreTimeoutSeconds: number
  /** Lucene's CheckIndex at the start of every shard. @default false */
  readonly deep?: boolean
  /** Takes what did not pass, so that it is not dropped. Absent: all is dropped. */
  readonly keep?: KeptRestores
  /** What rules and baselines ask of an index of that name. @default nothing */
  readonly questionsFor?: ((index: string, fields: Evidence['fields']) => readonly Question[]) | undefined
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** Where a content is restored, and what is known of its blobs. */
export interface Place {
  readonly source: Source
  readonly target: string
  /** What lies closed in the target; null: nothing, it is emptied. */
  readonly over: Omit<ChainFacts, 'reusedBytes'> | null
  /** What was read before in this proof. */
  readonly readings: readonly BlobReading[]
  /** Reads blobs that the server did not; their names come back as far as they are good. Trouble of ours: null where there was none. */
  readApart(keys: ReadonlySet<string>): Promise<{ readonly good: string[]; readonly trouble: Evidence['cutShort'] }>
}

/** A restore that is slower than this is over its deadline; the configured seconds come on top. */
const slowestBytesPerSecond = 5_000_000
const standstillMs = 60_000
const questionsTimeoutMs = 60_000
const dropTimeoutMs = 30_000
const keptLogLines = 400

/** Our own name: no name of the repository reaches the restored index. A server restores a system index under its own alone. */
export function targetOf({ planned, expected }: LoadedContent, number: number): string {
  if (expected.feature !== undefined) return expected.indexName
  return `snapproof-${expected.contentId.slice(0, 16)}-${planned.snapshot}-${number}`
}

/** What was restored is left in the target. */
export async function attemptContent(
  engine: Engine,
  content: LoadedContent,
  engineName: string,
  number: number,
  place: Place,
  options: AttemptOptions,
): Promise<Attempt> {
  const { planned, expected } = content
  const { clock } = options
  const gathered = await answers(engine, content, number, place, options)
  const judgement = judge(expected, gathered)
  const evidence = judgement.verdict === 'pass' ? await askOwner(engine, expected, gathered, options) : gathered
  return {
    planned,
    engine: engineName,
    number,
    atMs: clock.nowMs(),
    sharedWith: content.sharedWith,
    judgement,
    expected,
    evidence,
    seconds: {
      mirror: content.mirrorSeconds,
      restore: evidence.seconds.restore,
      questions: evidence.seconds.questions,
    },
  }
}

/** What rules ask has no part in the verdict at `restore`: that is spoken. */
async function askOwner(
  engine: Engine,
  expected: Expectation,
  evidence: Evidence,
  { questionsFor, clock, signal }: AttemptOptions,
): Promise<Evidence> {
  const questions = questionsFor?.(expected.indexName, evidence.fields) ?? []
  if (questions.length === 0) return evidence
  const start = clock.monotonicMs()
  const timeoutMs = questionsTimeoutMs
  const given = await askQuestions(engine, expected, evidence, questions, { timeoutMs, clock, signal, ownReason })
  const asked = (clock.monotonicMs() - start) / 1000
  return {
    ...evidence,
    answers: given,
    seconds: { ...evidence.seconds, questions: evidence.seconds.questions + asked },
  }
}

async function answers(
  engine: Engine,
  { planned, expected }: LoadedContent,
  number: number,
  place: Place,
  { restoreTimeoutSeconds, deep = false, clock, signal }: AttemptOptions,
): Promise<Evidence> {
  const { source, target, over } = place
  const timeoutMs = (restoreTimeoutSeconds + planned.content.bytes / slowestBytesPerSecond) * 1000
  const repository = repositoryOf(source)
  const before = source === 's3' ? await lookUp(engine, expected, signal) : null
  const restoring = { repository, target, timeoutMs, standstillMs, clock, signal, over: over !== null, deep }
  const restored =
    before === null || before.uuid === expected.snapshotUuid
      ? await restoreContent(engine, expected, restoring)
      : notRestored(target, before, clock)
  const questions = { attempt: number, timeoutMs: questionsTimeoutMs, clock, signal }
  const gathered = withLog(await gatherEvidence(engine, expected, restored, questions), engine)
  const reusedBytes = gathered.recovery.reduce((sum, row) => sum + (row.primary ? row.reusedBytes : 0), 0)
  const evidence: Evidence = {
    ...gathered,
    ...(over === null ? {} : { method: 'chained', chain: { ...over, reusedBytes } }),
    ...(source === 'mirror' ? {} : { source }),
  }
  const accounted =
    expected.files === undefined ? evidence : await account(engine, expected, evidence, place, questions)
  if (before === null) return accounted
  const after = await lookUp(engine, expected, signal)
  const trouble = before.trouble ?? after.trouble
  return trouble === null
    ? { ...accounted, snapshotSeen: { before: before.uuid, after: after.uuid } }
    : { ...accounted, cutShort: accounted.cutShort ?? trouble }
}

/** A restore that did not go well is explained by its server. */
function withLog(evidence: Evidence, engine: Engine): Evidence {
  const { refusal, unstarted, cutShort, target } = evidence
  if (refusal === null && unstarted.length === 0 && cutShort === null) return evidence
  return { ...evidence, log: logExcerpt(engine.logTail(keptLogLines), target) }
}

interface Seen {
  readonly uuid: string | null
  readonly trouble: Evidence['cutShort']
}

/** The uuid that the server sees under the snapshot's name. */
async function lookUp(engine: Engine, { snapshot }: Expectation, signal: AbortSignal): Promise<Seen> {
  const bounded = withDeadline(signal, questionsTimeoutMs, `the look at ${snapshot}`)
  try {
    return { uuid: await engine.snapshotUuid(repositoryOf('s3'), snapshot, bounded), trouble: null }
  } catch (error) {
    return { uuid: null, trouble: ownTrouble(engine, error, signal) }
  }
}

function notRestored(target: string, { trouble }: Seen, clock: Clock): RestoreOutcome {
  const moved = {
    reason: 'repository-moved',
    message: 'the server sees another snapshot of this name, or none',
  } as const
  return { target, startedMs: clock.nowMs(), seconds: 0, refusal: null, cutShort: trouble ?? moved }
}

const otherRules = builtInRules.filter(rule => rule !== everyBlobRead)

/** Who has read which blob. What the server kept of another content is read by us where nobody has read it by its name. */
async function account(
  engine: Engine,
  expected: Expectation,
  evidence: Evidence,
  { source, readings: before, readApart }: Place,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Evidence> {
  // What is wrong already has its own words, and a shard that failed has no list of files.
  if (evidence.refusal !== null || evidence.cutShort !== null || evidence.unstarted.length > 0) return evidence
  const own = new Set((expected.files ?? []).flatMap(({ blobs }) => blobs))
  const at = isoTime(clock.nowMs())
  const readings = before
    .map(reading => ({ ...reading, blobs: reading.blobs.filter(blob => own.has(blob)) }))
    .filter(({ blobs }) => blobs.length > 0)
  if (source === 'mirror') readings.push({ by: 'mirror', link: null, at, blobs: [...own] })
  try {
    const bounded = withDeadline(signal, questionsTimeoutMs, `the files of ${expected.indexName}`)
    const blobs = copiedBlobs(expected, evidence.recovery, await engine.recoveredFiles(evidence.target, bounded))
    readings.push({ by: 'server', link: expected.snapshot, at, blobs })
  } catch (error) {
    if (!(error instanceof SnapproofError) && !signal.aborted) throw error
    return { ...evidence, readings, cutShort: ownTrouble(engine, error, signal) }
  }
  const seen = { ...evidence, readings }
  const unread = unreadBlobs(expected, seen)
  // What is wrong already is repeated from nothing.
  if (unread.length === 0 || !isGood(expected, seen)) return seen
  const { good, trouble } = await readApart(new Set(unread))
  const separate = { by: 'separate', link: null, at: isoTime(clock.nowMs()), blobs: good } as const
  return { ...seen, readings: [...readings, separate], cutShort: trouble }
}

function isGood(expected: Expectation, evidence: Evidence): boolean {
  const { snapshotUuid: uuid } = expected
  const known = evidence.source === 's3' ? { ...evidence, snapshotSeen: { before: uuid, after: uuid } } : evidence
  return judge(expected, known, otherRules).verdict === 'pass'
}

/** Drops what an attempt has left, with what came with it. Never throws. */
export async function dropContent(
  engine: Engine,
  target: string,
  { expected, evidence }: Attempt,
  options: AttemptOptions,
): Promise<void> {
  const feature = expected?.feature
  if (feature === undefined) return await dropTarget(engine, target, options)
  if (evidence?.cutShort?.reason === 'system-index') return // nothing was restored
  for (const index of new Set([target, ...feature.indices].filter(isSystemName))) {
    try {
      if (engine.death() === null) await engine.deleteIndex(index, AbortSignal.timeout(dropTimeoutMs))
    } catch (error) {
      // Some are closed to everybody; the next restore of the feature replaces them, and nothing else is in its way.
      options.log.info(`${index} stays in the throwaway server`, { message: describeError(error) })
    }
  }
}

/** Never throws: a target that stays lies in a throwaway server. */
export async function dropTarget(engine: Engine, target: string, { log, signal }: AttemptOptions): Promise<void> {
  try {
    if (engine.death() === null) await engine.deleteIndex(target, AbortSignal.timeout(dropTimeoutMs))
  } catch (error) {
    const { message } = ownTrouble(engine, error, signal)
    log.warn(`${target} could not be dropped from the throwaway server`, { message })
  }
}

/** Closes a target for the next link. False: it is not closed, and must not be restored over. */
export async function closeTarget(engine: Engine, target: string, { log, signal }: AttemptOptions): Promise<boolean> {
  try {
    return await engine.closeIndex(target, withDeadline(signal, questionsTimeoutMs, `closing ${target}`))
  } catch (error) {
    log.warn(`${target} could not be closed for the next link of its chain`, { message: describeError(error) })
    return false
  }
}

/** One evidence file per content and snapshot; a repeat overwrites the first attempt. */
export function evidenceName({ planned }: Attempt): string {
  return `evidence/${planned.content.contentId}-${planned.snapshot}.json`
}
