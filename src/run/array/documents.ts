/**
 * The objects of an array, read with suspicion: others can write where they lie. Each is refused as a whole when a member is not what
 * it must be.
 */
import { isSnapproofError, SnapproofError } from '../../errors.ts'
import type { AuditConfig } from '../../model/config.ts'
import type { Finding } from '../../model/finding.ts'
import type { ContentRow } from '../../model/journal.ts'
import type { OpenPlan } from '../../model/openPlan.ts'
import type { RestoreRow, RunResult } from '../../model/run.ts'
import { type Reason, reasons } from '../../model/verdict.ts'
import { findingShape, forecastShape } from '../../report/runShape.ts'
import {
  amount,
  arrayOf,
  bool,
  type Check,
  object,
  oneOf,
  orAbsent,
  orNull,
  ShapeError,
  string,
  time,
  whole,
} from '../../report/shape.ts'

/** Of a plan; about half a million contents. */
export const maxPlanBytes = 128 * 1024 * 1024
/** Of every other object of an array. */
export const maxResultBytes = 32 * 1024 * 1024
/** As many as AWS Batch takes (API reference, ArrayProperties). */
export const mostChildren = 10_000

/** A content that a machine is through with. */
export interface ContentResult {
  readonly schemaVersion: 1
  /** What the ledger keeps. */
  readonly row: ContentRow
  /** What accuses, when the verdict is `fail`. */
  readonly finding: Finding | null
  readonly restore: Pick<RestoreRow, 'attempts' | 'expectedDocs' | 'foundDocs' | 'seconds' | 'source' | 'chain'>
  /** Kept as it is, for `judge`. */
  readonly evidence: unknown
}

/** A bad blob, with all contents of the index that rest on it, of this plan or not. */
export interface FindingResult {
  readonly schemaVersion: 1
  readonly atMs: number
  readonly indexId: string
  readonly contentIds: readonly string[]
  readonly finding: Finding
}

/** Left by a machine when it begins. */
export interface AttemptBegan {
  readonly schemaVersion: 1
  /** `host:pid`. */
  readonly owner: string
  readonly startedAt: string
}

/** Left by a machine when it ends. */
export interface AttemptEnded extends AttemptBegan {
  readonly endedAt: string
  readonly seconds: number
  /** Contents (numbers) that it was given and that have no result, by reason. */
  readonly left: readonly { readonly number: number; readonly reason: Reason }[]
  /** Why it could not do its work; null: it did. */
  readonly trouble: string | null
  readonly engines: RunResult['engines']
  readonly requests: RunResult['stats']['requests']
  readonly bytesRead: number
}

/** Left by `collect` when the report is delivered. */
export interface Collected {
  readonly schemaVersion: 1
  readonly runId: string
  readonly collectedAt: string
  readonly owner: string
  readonly exit: RunResult['exit']
}

/** What Step Functions reads to know the size of the array; also what `plan --children --json` prints. */
export interface PlanSummary {
  readonly schemaVersion: 1
  /** Of the plan. */
  readonly url: string
  readonly runId: string
  readonly children: number
  readonly contents: number
  readonly groups: number
  readonly debt: { readonly contents: number }
  readonly deadlineSeconds: number
  readonly forecast: OpenPlan['forecast']
}

const text = (most: number, pattern?: RegExp): Check => {
  return (value, path) => {
    string(value, path)
    if (String(value).length > most) throw new ShapeError(`${path} is longer than ${most} characters`)
    if (pattern !== undefined && !pattern.test(String(value))) throw new ShapeError(`${path} is not ${pattern}`)
  }
}
const name = text(4096)
const position: Check = (value, path) => {
  whole(value, path)
  amount(value, path)
}
const reason: Check = oneOf(...Object.keys(reasons))
const version = oneOf(1)
const runId = text(40, /^\d{8}T\d{6}Z-[0-9a-f]{8}$/)
const limit = orNull(amount)

const planShape = object({
  schemaVersion: version,
  runId,
  createdMs: position,
  deadlineSeconds: amount,
  toolVersion: name,
  repository: object({ name, url: name, uuid: orNull(name), generation: whole }),
  credit: oneOf('shared', 'strict'),
  limits: object({ snapshots: limit, restoreBytes: limit, durationSeconds: limit, costUsd: limit }),
  engines: arrayOf(object({ name, product: name, version: name })),
  forecast: forecastShape,
  debtContents: position,
  draw: orAbsent(
    object({
      seed: name,
      population: position,
      wanted: position,
      confidence: amount,
      contents: arrayOf(
        object({ indexId: name, indexName: name, contentId: name, snapshot: name, snapshotUuid: name }),
      ),
    }),
  ),
  snapshots: arrayOf(object({ name, uuid: name })),
  children: arrayOf(
    object({
      forecastSeconds: amount,
      groups: arrayOf(
        object({
          indexName: name,
          indexId: name,
          shardCount: position,
          engine: name,
          contents: arrayOf(
            object({
              number: position,
              contentId: name,
              createdVersion: orNull(whole),
              bytes: position,
              files: position,
              witness: orNull(name),
              kind: oneOf('failed', 'overdue', 'newest', 'lapsed', 'never', 'refresh'),
              from: position,
              heldBy: arrayOf(arrayOf(position)),
            }),
          ),
        }),
      ),
    }),
  ),
})

/** The rows themselves are judged by the ledger, which takes no other. */
const contentShape = object({
  schemaVersion: version,
  row: object({
    runId,
    contentId: name,
    indexId: name,
    snapshotUuid: name,
    verdict: oneOf('pass', 'fail', 'inconclusive'),
  }),
  finding: orNull(findingShape),
  restore: object({
    attempts: amount,
    expectedDocs: orNull(amount),
    foundDocs: orNull(amount),
    seconds: object({ mirror: amount, restore: amount, questions: amount }),
    source: orAbsent(oneOf('mirror', 's3')),
    chain: orAbsent(object({ link: amount, over: name, predictedReusedBytes: amount, reusedBytes: amount })),
  }),
})
const findingResultShape = object({
  schemaVersion: version,
  atMs: position,
  indexId: name,
  contentIds: arrayOf(name),
  finding: findingShape,
})
const began = { schemaVersion: version, owner: name, startedAt: time }
const endedShape = object({
  ...began,
  endedAt: time,
  seconds: amount,
  left: arrayOf(object({ number: position, reason })),
  trouble: orNull(string),
  engines: arrayOf(object({ name, kind: name, product: name, version: name, egressBlocked: bool })),
  requests: object({ list: amount, get: amount, head: amount, put: amount, delete: amount }),
  bytesRead: amount,
})
const collectedShape = object({
  schemaVersion: version,
  runId,
  collectedAt: time,
  owner: name,
  exit: object({ code: oneOf(0, 1, 2, 4), applies: arrayOf(oneOf(0, 1, 2, 4)), reason: string }),
})

/** @throws SnapproofError `configuration`: not a plan, one of a newer schema, or one that contradicts itself */
export function parsePlan(bytes: Buffer, where: string): OpenPlan {
  const plan = parse<OpenPlan>(bytes, planShape, where)
  const held = plan.snapshots.length
  const engines = new Set(plan.engines.map(engine => engine.name))
  const numbers = new Set<number>()
  const refuse = (why: string) => {
    throw malformed(where, why)
  }
  if (plan.children.length > mostChildren) refuse(`it has ${plan.children.length} children, at most ${mostChildren}`)
  for (const { groups } of plan.children) {
    if (groups.length === 0) refuse('a child has no group')
    for (const { engine, contents } of groups) {
      if (!engines.has(engine)) refuse(`the engine ${JSON.stringify(engine)} is not among its engines`)
      if (contents.length === 0) refuse('a group has no content')
      for (const { number, from, heldBy } of contents) {
        if (numbers.has(number)) refuse(`content ${number} is given twice`)
        numbers.add(number)
        let next = 0
        for (const range of heldBy) {
          const [first = -1, last = -1] = range
          if (range.length !== 2 || first < next || last < first) refuse(`content ${number} has ranges out of order`)
          next = last + 1
        }
        if (from >= held || next > held) refuse(`content ${number} names a snapshot that the plan does not list`)
      }
    }
  }
  return plan
}

/** @throws SnapproofError `configuration`: the plan is for another repository, policy or set of engines than configured */
export function mustBelong(plan: OpenPlan, config: AuditConfig, where: string): void {
  const offer = (engine: { product: string; version: string } | undefined) =>
    engine === undefined ? 'nothing of that name' : `${engine.product} ${engine.version}`
  const compared: [what: string, planned: string, configured: string][] = [
    ['the repository', plan.repository.name, config.repository.name],
    ['the URL of the repository', plan.repository.url, config.repository.url],
    ['policy.credit', plan.credit, config.policy.credit],
    ...plan.engines.map((engine): [string, string, string] => [
      `the engine ${engine.name}`,
      offer(engine),
      offer(config.engines.find(one => one.name === engine.name)),
    ]),
  ]
  for (const [what, planned, configured] of compared) {
    if (planned === configured) continue
    throw new SnapproofError(
      'configuration',
      `${where} was planned with other settings: ${what} is ${JSON.stringify(planned)} there and ${JSON.stringify(configured)} here`,
      { advice: 'All machines of an array, and its collect, need the configuration that it was planned with.' },
    )
  }
}

/** Null for what is no such object: nobody needs to stop for it, its contents stay debt. */
export const parseContent = (bytes: Buffer) => parseOrNull<ContentResult>(bytes, contentShape)
export const parseFinding = (bytes: Buffer) => parseOrNull<FindingResult>(bytes, findingResultShape)
export const parseBegan = (bytes: Buffer) => parseOrNull<AttemptBegan>(bytes, object(began))
export const parseEnded = (bytes: Buffer) => parseOrNull<AttemptEnded>(bytes, endedShape)
export const parseCollected = (bytes: Buffer) => parseOrNull<Collected>(bytes, collectedShape)

function parseOrNull<Document>(bytes: Buffer, shape: Check): Document | null {
  try {
    return parse<Document>(bytes, shape, 'an object of an array')
  } catch (error) {
    if (!isSnapproofError(error, 'configuration')) throw error
    return null
  }
}

function parse<Document>(bytes: Buffer, shape: Check, where: string): Document {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw malformed(where, 'it is not JSON', error)
  }
  const found: unknown = Object(value).schemaVersion
  if (typeof found === 'number' && Number.isInteger(found) && found > 1)
    throw new SnapproofError('configuration', `${where} has schema version ${found}; this Snapproof knows version 1`, {
      advice: 'All machines of an array need the version of Snapproof that planned it.',
    })
  try {
    shape(value, '')
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error
    throw malformed(where, error.message)
  }
  // The shape was just checked member by member.
  return value as Document
}

function malformed(where: string, why: string, cause?: unknown): SnapproofError {
  return new SnapproofError('configuration', `${where} is no plan of Snapproof: ${why}`, {
    advice: 'Give the URL that `snapproof plan --children` printed; the object is never changed after that.',
    cause,
  })
}
